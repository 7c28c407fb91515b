package import EdgeSystem

/// The Python runners, compiled once for many runs.
///
/// Compiling them costs about half an interpreter's start, in every run. What is compiled here is
/// our own source, by the system's Python, outside of any sandbox; where the interpreter inside is
/// another one, its magic number differs and the sources count.
package enum RunnerBytecode {
  /// Bytes for `RunnerPlan(compiled:)`: magic number, then a marshalled table of code objects.
  /// - Throws: where Python cannot be started. An empty result means that it failed; then the
  ///   sources are compiled in each run.
  package static func compile() throws(SystemError) -> [UInt8] {
    let sources: [(String, [UInt8])] = [
      ("supervise", PackageResources.supervise_py), ("strict", PackageResources.strict_py),
      ("guard", PackageResources.guard_py), ("plain", PackageResources.plain_py),
      ("pytests", PackageResources.pytests_py),
    ]
    var text: [UInt8] = []
    for (name, source) in sources { text += Array(name.utf8) + [0] + source + [0] }
    let input = try Descriptor.memory("sources", text)
    let output = try Descriptor.pipe()
    let spawn = Spawn(
      path: RunnerPlan.interpreter, arguments: ["-I", "-S", "-B", "-c", script],
      descriptors: [0: input.raw, 1: output.writing.raw])
    var child = try spawn.start()
    let reading = output.closeWriting()
    let bytes = try reading.read(atMost: 1 << 20)
    return child.wait() == .exited(0) ? bytes : []
  }

  private static let script = """
    import marshal, sys
    from _frozen_importlib_external import MAGIC_NUMBER
    parts = sys.stdin.buffer.read().split(b"\\0")
    codes = {}
    for name, text in zip(parts[0::2], parts[1::2]):
        name = name.decode()
        codes[name] = compile(text, "/runner/%s.py" % name, "exec", dont_inherit=True)
    sys.stdout.buffer.write(MAGIC_NUMBER + marshal.dumps(codes))
    """
}
