import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// A task directory with everything that an honest one may have.
func makeTask(_ place: TemporaryDirectory) throws {
  for name in [
    "task", "task/source", "task/source/sub", "task/source/empty", "task/tests", "task/solution",
    "task/environment", "task/attachments",
  ] { try #require(mkdir(place.path(name), 0o755) == 0) }
  let toml = """
    [edgecoder]
    format = 1
    kind = "verify"
    language = "python"
    [verifier]
    runner = "python"
    files = ["test_a.py"]
    expected = ["test_a.py"]

    """
  try place.write("task/task.toml", text: toml)
  try place.write("task/instruction.md", text: "Make it work, été.\n")
  try place.write("task/source/a.py", text: "print('a')\n", mode: 0o664)
  try place.write("task/source/run.sh", text: "#!/bin/sh\n", mode: 0o775)
  try place.write("task/source/sub/e\u{301}.txt", text: "decomposed name")
  try place.write("task/source/sub/\u{E9}2.txt", text: "composed name")
  let long = String(repeating: "long-", count: 40)
  try place.write("task/source/sub/\(long).txt", text: "long name")
  try place.write("task/source/zero", [])
  try place.write("task/source/block", [UInt8](repeating: 7, count: 512))
  try place.write("task/source/big", (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
  try place.write("task/tests/test_a.py", text: "assert True\n")
  try place.write("task/solution/solve.sh", text: "#!/bin/sh\n", mode: 0o755)
  try place.write("task/environment/Dockerfile", text: "FROM scratch\n")
  try place.write("task/attachments/data.json", text: "{}\n")
  try #require(symlink("../a.py", place.path("task/source/sub/link")) == 0)
}

/// Packs and gives the bytes, with what packing said.
func pack(_ path: String, candidate: CandidateSource? = nil) throws -> (Inspection, [UInt8]) {
  let file = try Descriptor.memory("packed")
  let directory = try Directory(path: path)
  let inspection = try packTask(directory, candidate: candidate, to: file.raw)
  lseek(file.raw, 0, SEEK_SET)
  return (inspection, try file.read(atMost: 64 << 20))
}

/// The same task in every container, written and read by other programs.
@Suite struct ContainerTests {
  private let place = TemporaryDirectory()

  init() throws { try makeTask(place) }

  /// Computes the task digest from its description alone.
  private static let oracle = """
    import hashlib, json, os, sys
    root = sys.argv[1]
    lines = []
    def sha(b): return hashlib.sha256(b).hexdigest()
    for folder, folders, files in os.walk(root):
        for name in files + folders:
            path = os.path.join(folder, name)
            rel = os.path.relpath(path, root)
            if os.path.islink(path):
                to = os.readlink(path)
                lines.append((rel.encode(), [rel, 'link', '0777', len(to.encode()), to]))
            elif os.path.isdir(path):
                if not os.listdir(path): lines.append((rel.encode(), [rel, 'dir', '0755', 0, '']))
            else:
                mode = '0755' if os.stat(path).st_mode & 0o100 else '0644'
                data = open(path, 'rb').read()
                lines.append((rel.encode(), [rel, 'file', mode, len(data), sha(data)]))
    text = b'edgecoder.task/1\\n'
    for _, line in sorted(lines):
        text += json.dumps(line, separators=(',', ':'), ensure_ascii=False).encode() + b'\\n'
    print(sha(text), end='')
    """

  @Test func digestAsDescribed() throws {
    let (inspection, _) = try pack(place.path("task"))
    let oracle = try Python.run(Self.oracle, [place.path("task")])
    #expect(oracle.output == inspection.task.hex, "\(oracle.errors)")
  }

  /// The digest is evidence: this one must never change.
  @Test func digestIsFinal() throws {
    let (inspection, _) = try pack(place.path("task"))
    #expect(
      inspection.task.hex == "81d1935e1fac2bce27961c2aa8c323843c438c12c10d7d447d1b1a2a0d4cbe65")
  }

  @Test func packIsReproducible() throws {
    let first = try pack(place.path("task"))
    let again = try pack(place.path("task"))
    #expect(first.1 == again.1)
    #expect(first.0 == again.0)
    let file = try memory(first.1)
    #expect(try inspectTask(file.raw) == first.0)
    #expect(first.0.blob == Digest(bytes: Hash.sha256(first.1)))
    let list = try tool("bsdtar", ["-tf", try place.write("p.tar.zst", first.1)])
    let names = String(decoding: list, as: UTF8.self).split(separator: "\n")
    #expect(names.first == "task.toml" && names.dropFirst().first == "instruction.md")
    #expect(names.dropFirst(2).map { Array($0.utf8) }.count == Int(first.0.members) - 2)
  }

  /// What we pack, other programs unpack to the same tree.
  @Test(arguments: ["bsdtar", "tar", "python"]) func othersUnpackOurs(program: String) throws {
    let (_, bytes) = try pack(place.path("task"))
    let archive = try place.write("ours.tar.zst", bytes)
    try #require(mkdir(place.path("out"), 0o755) == 0)
    switch program {
    case "bsdtar": try tool("bsdtar", ["-xf", archive, "-C", place.path("out")])
    case "tar": try tool("tar", ["--zstd", "-xf", archive, "-C", place.path("out")])
    default:
      try tool("zstd", ["-q", "-d", archive, "-o", place.path("ours.tar")])
      let script = "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])"
      let result = try Python.run(script, [place.path("ours.tar"), place.path("out")])
      try #require(result.status == 0, "\(result)")
    }
    let oracle = try Python.run(Self.oracle, [place.path("out")])
    let file = try memory(bytes)
    #expect(oracle.output == (try inspectTask(file.raw)).task.hex)
  }

  /// What other programs pack, in whatever order and compression, is the same task.
  @Test(arguments: [
    "tar -cf - .", "tar --format=gnu -cf - .", "tar --format=pax -czf - .", "tar -cJf - .",
    "tar --zstd -cf - .", "tar --format=pax -cf - *", "tar --sort=name -cf - . | zstd -19 -q",
    "find . -type f -o -type l -o -empty | sort -r | tar -cf - --no-recursion -T -",
    "bsdtar -cf - .", "bsdtar --format=ustar -cf - --exclude='*long*' . | cat",
    "bsdtar --format=pax -czf - *", "bsdtar --zstd -cf ../c.tzst .; cat ../c.tzst",
    "bsdtar -cJf - .",
    "zip -q -r -y - * > ../z.zip; cat ../z.zip",
    "rm -f ../y.zip; zip -q -r -y -0 ../y.zip .; cat ../y.zip",
    "bsdtar --format=zip -cf ../b.zip *; cat ../b.zip",
  ])
  func sameDigest(command: String) throws {
    if command.contains("--exclude") {
      // The old format cannot hold every name.
      try tool("/bin/sh", ["-c", "rm \"$0\"/source/sub/long*", place.path("task")])
    }
    let (inspection, _) = try pack(place.path("task"))
    let bytes = try tool("/bin/sh", ["-c", "umask 022; \(command)"], in: place.path("task"))
    let file = try memory(bytes)
    let other = try inspectTask(file.raw)
    #expect(other.task == inspection.task)
    #expect(other.manifest == inspection.manifest && other.bytes == inspection.bytes)
    let site = try Site()
    try site.unpack(file.raw, expecting: (other.blob, inspection.task))
    let oracle = try tool("diff", ["-r", place.path("task/source"), site.root.path("dest/source")])
    #expect(oracle.isEmpty)
  }

  @Test func pythonWriters() throws {
    let script = """
      import os, shutil, sys, tarfile, zipfile
      task, out = sys.argv[1:]
      os.chdir(task)
      for number, form in enumerate([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]):
          for mode in ['w', 'w:gz', 'w:xz']:
              with tarfile.open(f'{out}/{number}{mode[2:]}.py', mode, format=form) as tar:
                  tar.add('.')
      """
    let made = try Python.run(script, [place.path("task"), place.path])
    try #require(made.status == 0, "\(made)")
    let (inspection, _) = try pack(place.path("task"))
    let names = try place.open().entries().filter { $0.hasSuffix(".py") }
    #expect(names.count == 6)
    for name in names {
      let file = try memory(try place.read(name))
      #expect(try inspectTask(file.raw).task == inspection.task, "\(name)")
    }
  }

  /// Every single thing that the digest covers changes it.
  @Test func everythingCounts() throws {
    let (before, _) = try pack(place.path("task"))
    var seen: Set<Digest> = [before.task]
    let changes = [
      "printf x >> source/a.py", "chmod +x source/a.py",
      "mv source/a.py source/b.py && ln -s b.py source/a.py",
      "mkdir source/empty2", "rmdir source/empty", "ln -sfn ../block source/sub/link",
      "rm source/zero",
      "cp source/zero tests/zero 2>/dev/null || : > tests/zero", "printf ' ' >> task.toml",
      "mkdir -p candidate && cp source/block candidate/block",
    ]
    for change in changes {
      try tool("/bin/sh", ["-c", change], in: place.path("task"))
      let (after, _) = try pack(place.path("task"))
      #expect(seen.insert(after.task).inserted, "\(change)")
    }
    // Neither times nor owners nor other mode bits do.
    let (last, _) = try pack(place.path("task"))
    try tool(
      "/bin/sh",
      ["-c", "touch -d 2001-01-01 source/*; chmod g+w,o-r source/b.py; chown 7:8 task.toml"],
      in: place.path("task"))
    #expect(try pack(place.path("task")).0.task == last.task)
  }
}
