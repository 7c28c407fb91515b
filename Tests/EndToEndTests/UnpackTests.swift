import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// Task archives are parsed in a process of their own also when they are unpacked.
  @Suite struct UnpackingTests {}
}

extension EndToEnd.UnpackingTests {
  @Test func everyKindOfArchiveGivesTheSameFiles() throws {
    let place = try Workplace()
    let script = """
      mkdir -p t/source/a/b t/tests && echo one >t/source/a/b/one && : >t/source/empty
      ln -s a/b/one t/source/link && echo '#!/bin/sh' >t/source/run && chmod 755 t/source/run
      head -c 3000000 /dev/urandom >t/source/large && cp ok/task.toml ok/instruction.md t
      """
    try place.task("ok", "true")
    expect(try place.shell(script), 0)
    for kind in ["tar", "tar.gz", "tar.xz", "tar.zst", "zip"] {
      let made = try place.shell(
        """
        case \(kind) in
          zip) python3 -c 'import shutil; shutil.make_archive("t", "zip", "t")' ;;
          *) tar -C t -acf t.\(kind) task.toml instruction.md source ;;
        esac
        """)
      expect(made, 0)
      let links = kind == "zip" ? "--no-dereference -x link" : "--no-dereference"
      expect(try place.shell("edgecoder unpack t.\(kind) -o out-\(kind)"), 0)
      expect(try place.shell("diff -r \(links) t/source out-\(kind)/source"), 0)
      expect(try place.shell("test -x out-\(kind)/source/run || test \(kind) = zip"), 0)
    }
  }

  @Test func whatIsWrongIsSaidInOneLine() throws {
    let place = try Workplace()
    expect(try place.shell("head -c 5000 /dev/urandom >garbage; printf 'x' >short"), 0)
    for name in ["garbage", "short"] {
      let result = try place.shell("edgecoder unpack \(name) -o out")
      #expect(result.status == 65)
      #expect(!"\(result)".contains("died"), "\(result)")
      expect(try place.shell("test ! -e out"), 0)
    }
  }
}
