import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

@testable import EdgeSandbox

/// Programs on disk: only what nobody else can have written counts.
struct FilterCacheTests {
  private let folder = TemporaryDirectory()
  private var cache: FilterCache { FilterCache(base: folder.path) }

  /// A policy with its digest, and its program in the cache.
  private func filled() throws -> (Digest, [UInt8], String) {
    let policy = try Policies.plain(Policies.basics).policy
    let digest = FilterCache.digest(policy, reporting: false)
    let made = try SeccompFilter.make(policy, reporting: false, cache: cache)
    #expect(cache.read(digest) == made.instructions)
    return (digest, made.instructions, "\(cache.path)/\(digest.hex)")
  }

  @Test func whatWasCompiledIsFound() throws {
    let (digest, program, path) = try filled()
    #expect(chmod(path, 0o400) == 0)
    #expect(cache.read(digest) == program)
    // It is what the next process gets, and not compiled anew: another valid program shows it.
    let other: [UInt8] = [6, 0, 0, 0, 0, 0, 0xFF, 0x7F]
    #expect(unlink(path) == 0)
    cache.write(digest, other)
    let policy = try Policies.plain(Policies.basics).policy
    #expect(try SeccompFilter.make(policy, reporting: false, cache: cache).instructions == other)
  }

  @Test func everyInputCounts() throws {
    let policy = try Policies.plain(Policies.basics).policy
    let more = try Policies.plain("\(Policies.basics),\(Policies.allow("getpid"))").policy
    let kills = SyscallPolicy(
      rules: policy.rules, kill: ["bpf"], defaultAction: policy.defaultAction)
    let other = SyscallPolicy(rules: policy.rules, kill: [], defaultAction: .error(38))
    let digests = [
      FilterCache.digest(policy, reporting: false), FilterCache.digest(policy, reporting: true),
      FilterCache.digest(more, reporting: false), FilterCache.digest(kills, reporting: false),
      FilterCache.digest(other, reporting: false),
    ]
    #expect(Set(digests).count == digests.count)
  }

  @Test func aSpoiledFileIsReplaced() throws {
    let (digest, program, path) = try filled()
    let good = try folder.open().read("edgecoder/seccomp/\(digest.hex)", atMost: 1 << 16)
    for change in [0, 30, 60, 100, good.count - 1, -1] {
      var bytes = good
      if change < 0 { bytes.removeLast(8) } else { bytes[change] ^= 1 }
      #expect(unlink(path) == 0)
      try folder.write("edgecoder/seccomp/\(digest.hex)", bytes)
      #expect(cache.read(digest) == nil, "byte \(change)")
      cache.write(digest, program)
      #expect(cache.read(digest) == program)
    }
  }

  /// A right checksum over bytes that are no program.
  @Test func whatIsNoProgramIsRefused() throws {
    let (digest, _, path) = try filled()
    #expect(unlink(path) == 0)
    cache.write(digest, [0, 0, 0, 0, 0, 0, 0, 0])
    #expect(cache.read(digest) == nil)
  }

  @Test func oneProgramIsNotAnother() throws {
    let (digest, _, path) = try filled()
    let other = Digest(bytes: Hash.sha256([1]))
    #expect(rename(path, "\(cache.path)/\(other.hex)") == 0)
    #expect(cache.read(other) == nil && cache.read(digest) == nil)
  }

  @Test func linksAndOpenFilesAreRefused() throws {
    let (digest, program, path) = try filled()
    #expect(rename(path, "\(cache.path)/away") == 0)
    #expect(symlink("away", path) == 0)
    #expect(cache.read(digest) == nil)
    cache.write(digest, program)
    #expect(cache.read(digest) == program, "the link is replaced")
    #expect(chmod(path, 0o620) == 0)
    #expect(cache.read(digest) == nil)
    #expect(chmod(path, 0o600) == 0)
    for name in ["edgecoder/seccomp", "edgecoder", ""] {
      #expect(chmod(folder.path(name), 0o777) == 0)
      #expect(cache.read(digest) == nil, "\(name) is open")
      cache.write(digest, program)
      #expect(chmod(folder.path(name), 0o700) == 0)
    }
    #expect(cache.read(digest) == program)
    #expect(rename(folder.path("edgecoder"), folder.path("away")) == 0)
    #expect(symlink("away", folder.path("edgecoder")) == 0)
    #expect(cache.read(digest) == nil)
  }

  @Test(.enabled(if: isRoot, "needs root")) func foreignFilesAreRefused() throws {
    let (digest, program, path) = try filled()
    #expect(chown(path, 65534, 65534) == 0)
    #expect(cache.read(digest) == nil)
    cache.write(digest, program)
    #expect(cache.read(digest) == program, "it is replaced in a folder of our own")
    #expect(chown(folder.path("edgecoder"), 65534, 65534) == 0)
    #expect(cache.read(digest) == nil)
  }

  @Test func withoutAPlaceProgramsAreCompiled() throws {
    let policy = try Policies.plain(Policies.basics).policy
    for base in [folder.path("a/b/c"), "/proc", "/dev/null"] {
      let made = try SeccompFilter.make(
        policy, reporting: false, cache: FilterCache(base: base))
      #expect(!made.instructions.isEmpty)
    }
  }

  @Test func oldProgramsGo() throws {
    let (digest, _, _) = try filled()
    let folder = try Directory(path: cache.path)
    for number in 0..<70 { try folder.publish("old-\(number)", [], durable: false) }
    let other = Digest(bytes: Hash.sha256([2]))
    cache.write(other, [6, 0, 0, 0, 0, 0, 0xFF, 0x7F])
    #expect(try folder.entries() == [other.hex])
    #expect(cache.read(digest) == nil && cache.read(other) != nil)
  }
}
