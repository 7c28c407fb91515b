import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// A spool on a small file system of its own that fills up, or may only be read.
  @Suite struct FullDiskTests {
    /// Whether a file system can be mounted here.
    static let canMount =
      (try? runProgram(
        "unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"], seconds: 20))?.status == 0
  }
}

extension EndToEnd.FullDiskTests {
  /// Everything happens in one script, because the mount is there for it alone. Arguments: options
  /// of the mount, what makes the disk useless, what makes it useful again.
  private static let script = #"""
    set -u
    mkdir disk && mount -t tmpfs -o "$1" none disk
    export EDGECODER_SPOOL=$PWD/disk/spool EDGECODER_KEYS=$PWD/keys
    say() { printf '%s\n' "$*"; }
    edgecoder init --quiet || exit
    edgecoder submit ok --count 3 >first || exit
    edgecoder schedule 2>schedule.log & schedule=$!
    edgecoder worker --slots 1 2>worker.log & worker=$!
    edgecoder wait $(cat first) --timeout 30s --quiet; say "before $?"
    eval "$2"
    edgecoder submit ok --count 3 >lost 2>submit.log; say "submit $? $(wc -l <lost)"
    sleep 1.5
    kill -0 $schedule && kill -0 $worker && say "both live"
    eval "$3"
    edgecoder submit ok --count 3 >second || exit
    edgecoder wait $(cat second) --timeout 30s --quiet; say "after $?"
    edgecoder ledger verify >/dev/null; say "verify $?"
    edgecoder status --json >status.json
    kill $schedule $worker; wait
    say "told $(grep -c 'goes on\|going on\|is admitted' schedule.log)"
    cat schedule.log worker.log submit.log >&2
    """#

  @Test(
    .enabled(if: canMount, "no file system can be mounted here"),
    arguments: [
      // Bytes: what is left is too little for an archive.
      ("size=40m", "head -c 100M /dev/zero >disk/fill 2>/dev/null", "rm disk/fill"),
      // Names.
      (
        "size=200m,nr_inodes=900",
        "mkdir disk/fill; (cd disk/fill; seq 2000 | xargs touch) 2>/dev/null",
        "rm -r disk/fill"
      ),
    ])
  func whatCannotBeKeptIsRefusedAndTheRestGoesOn(_ way: (String, String, String)) throws {
    let place = try Workplace(making: false)
    try place.task("ok", "true")
    let result = try runProgram(
      "unshare",
      ["-m", "bash", "-c", "cd \"$0\" && " + Self.script, place.path, way.0, way.1, way.2],
      environment: place.environment, seconds: 120)
    #expect(result.status == 0, "\(result)")
    let lines = result.lines
    #expect(lines.contains("before 0"), "\(result)")
    // Nothing was promised that is not kept.
    #expect(lines.contains("submit 74 0"), "\(result)")
    #expect(lines.contains("both live"), "\(result)")
    #expect(lines.contains("after 0"), "\(result)")
    #expect(lines.contains("verify 0"), "\(result)")
    let jobs = try place.folder.read("status.json")
    let rows = try JSON.parse(jobs)["jobs"]?.elements ?? []
    #expect(rows.isEmpty || rows.allSatisfy { $0["ending"] != nil }, "\(result)")
  }

  /// A kernel that has met errors makes a file system read-only; what runs then sees the same as
  /// what starts later.
  @Test(.enabled(if: canMount, "no file system can be mounted here"))
  func whatMayOnlyBeReadIsRefusedWithTheReason() throws {
    let place = try Workplace(making: false)
    try place.task("ok", "true")
    let script = #"""
      mkdir disk && mount -t tmpfs none disk
      export EDGECODER_SPOOL=$PWD/disk/spool EDGECODER_KEYS=$PWD/keys
      edgecoder init --quiet >/dev/null || exit
      edgecoder submit ok >first || exit
      mount -o remount,ro disk
      edgecoder submit ok >lost; echo "submit $? $(wc -l <lost)"
      edgecoder schedule --once; echo "schedule $?"
      edgecoder run ok --timeout 2s >/dev/null; echo "run $?"
      edgecoder status $(cat first) >/dev/null; echo "status $?"
      mount -o remount,rw disk
      edgecoder run --resume >/dev/null; echo "resumed $?"
      """#
    let result = try runProgram(
      "unshare", ["-m", "bash", "-c", "cd \"$0\" && " + script, place.path],
      environment: place.environment, seconds: 120)
    for line in ["submit 74 0", "schedule 69", "run 74", "status 0", "resumed 0"] {
      #expect(result.lines.contains(line), "\(result)")
    }
    #expect(result.errors.contains("Read-only file system"), "\(result)")
    #expect(result.errors.contains("mount it for writing"), "\(result)")
  }
}
