import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

/// What the extraction filters of Python's tarfile are made against, written by tarfile itself.
@Suite struct PythonAttackTests {
  private static let script = """
    import io, os, sys, tarfile
    out = sys.argv[1]
    toml = open(sys.argv[2], 'rb').read()
    def archive(name, *members, format=tarfile.PAX_FORMAT):
        with tarfile.open(os.path.join(out, name + '.tar'), 'w', format=format) as tar:
            def add(name, content=b'x', **fields):
                info = tarfile.TarInfo(name)
                for key, value in fields.items(): setattr(info, key, value)
                if info.type == tarfile.REGTYPE: info.size = len(content)
                tar.addfile(info, io.BytesIO(content) if info.type == tarfile.REGTYPE else None)
            add('task.toml', toml)
            for member in members:
                add(member[0], **member[1])
    def link(to): return dict(type=tarfile.SYMTYPE, linkname=to)
    def hard(to): return dict(type=tarfile.LNKTYPE, linkname=to)
    file = {}
    folder = dict(type=tarfile.DIRTYPE, mode=0o755)
    archive('absolute', ('/tmp/escaped', file))
    archive('absolute-symlink', ('source/parent', link(out)), ('source/parent/evil', file))
    archive('absolute-hardlink', ('source/parent', hard(out + '/x')))
    archive('sly-relative', ('source/../../../evil', file))
    archive('sly-relative-2', ('source/x/../../../../evil', file))
    archive('parent-symlink', ('source/current', link('.')),
            ('source/parent', link('current/..')), ('source/parent/evil', file))
    archive('parent-symlink-2', ('source/current', link('.')),
            ('source/current/parent', link('..')), ('source/parent/evil', file))
    archive('chains', ('source/a', link('b/../..')), ('source/b', link('c/..')),
            ('source/c', link('d')), ('source/a/evil', file))
    archive('deep-symlink', ('source/a', link('../../../../../../../../etc/passwd')))
    archive('sneaky-hardlink', ('source/a/t/dummy', file), ('source/b', link('a/t')),
            ('source/c', hard('source/b/../../outside')), ('source/c', link('../escape')),
            ('source/c/boom', file))
    archive('exfiltration', ('source/link', link('../../outside/sentinel')))
    archive('hardlink-to-symlink', ('source/s', link('../outside')), ('source/h', hard('source/s')))
    archive('directory-over-symlink', ('source/d', link('../outside')), ('source/d', folder),
            ('source/d/evil', file))
    archive('mode-of-outside', ('source/l', link('..')), ('source/l/../..', folder))
    archive('dotdot-directory', ('..', folder))
    archive('trailing-slash-link', ('source/l/', link('../outside')), ('source/l/evil', file))
    archive('pipe', ('source/p', dict(type=tarfile.FIFOTYPE)))
    archive('character', ('source/c', dict(type=tarfile.CHRTYPE, devmajor=1, devminor=3)))
    archive('block', ('source/b', dict(type=tarfile.BLKTYPE, devmajor=8)))
    archive('setuid', ('source/x', dict(mode=0o4755)))
    archive('gnu-long', ('source/' + 'd/' * 60 + '../' * 70 + 'evil', file),
            format=tarfile.GNU_FORMAT)
    archive('realpath-limit', *[('source/' + 'ab' * 120 + '/' * (i > 0) + '/'.join(
            ['cd' * 120] * i), folder) for i in range(16)])
    """

  @Test func allRefused() throws {
    let place = TemporaryDirectory()
    let toml = try place.write("toml", text: runTOML)
    let made = try Python.run(Self.script, [place.path, toml])
    try #require(made.status == 0, "\(made)")
    let names = try place.open().entries().filter { $0.hasSuffix(".tar") }
    #expect(names.count == 22)
    for name in names {
      let bytes = try place.read(name)
      let site = try Site()
      let before = try site.surroundings()
      let file = try memory(bytes)
      #expect(throws: Refusal.self, "\(name)") { try inspectTask(file.raw) }
      #expect(throws: UnpackError.self, "\(name)") { try site.unpack(file.raw) }
      #expect(try site.surroundings() == before, "\(name)")
    }
  }
}
