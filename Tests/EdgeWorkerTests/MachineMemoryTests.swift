import EdgeSystem
import EdgeTestSupport
import EdgeWorker
import Testing

/// How much memory a machine has for jobs.
struct MachineMemoryTests {
  private func machine(_ files: [(path: String, text: String)]) throws -> TemporaryDirectory {
    let folder = TemporaryDirectory()
    let root = try folder.open()
    for path in ["proc", "sys", "sys/fs", "sys/fs/cgroup", "sys/fs/cgroup/memory"] {
      try root.makeDirectory(path)
    }
    for (path, text) in files { try folder.write(path, text: text) }
    return folder
  }

  @Test func theLeastOfWhatIsThereAndAllowed() throws {
    let total = ("proc/meminfo", "MemTotal:        2097152 kB\nMemFree: 1 kB\n")
    let cases: [([(path: String, text: String)], Int64?)] = [
      ([total], 2 << 30),
      ([total, ("sys/fs/cgroup/memory.max", "1073741824\n")], 1 << 30),
      ([total, ("sys/fs/cgroup/memory.max", "max\n")], 2 << 30),
      ([total, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")], 2 << 30),
      ([total, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n")], 4096),
      ([("proc/meminfo", "nothing\n")], nil),
      ([("proc/meminfo", "MemTotal: -1 kB\n")], nil),
      ([], nil),
    ]
    for (files, bytes) in cases {
      let folder = try machine(files)
      #expect(MachineMemory.bytes(root: folder.path) == bytes, "\(files)")
    }
    #expect((MachineMemory.bytes() ?? 0) > 64 << 20, "of this machine")
  }
}
