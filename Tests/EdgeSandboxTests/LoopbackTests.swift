import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// The grant `loopback`: an interface of the run's own, and no other.
@Suite(.enabled(if: isRoot && access("/usr/bin/perl", X_OK) == 0, "needs root and perl"))
struct LoopbackTests {
  private func launch(_ box: Box, _ grant: String, _ script: String) throws -> Launch {
    let place = TemporaryDirectory()
    for name in ["base", "python"] {
      try place.write(
        "\(name).json", try Directory(path: Box.profiles).read("\(name).json", atMost: 1 << 20))
    }
    try place.write(
      "granted.json",
      text: """
        {"extends": "python", "name": "granted", "version": 1, "summary": "A test.",
         "network": "\(grant)"}
        """)
    var launch = try box.launch(["/usr/bin/perl", "-e", script])
    launch.profile = try SandboxProfile.load("granted", directory: place.path)
    return launch
  }

  private static let echo = """
    use IO::Socket::INET;
    my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => 4711)
      or die "listen: $!";
    unless (fork) {
      my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1:4711") or die "connect: $!";
      print $c "hello"; exit;
    }
    my $p = $s->accept; print scalar <$p>;
    """

  @Test func programsTalkToThemselves() throws {
    let box = try Box()
    // The same port again at once: no run waits for the late packets of another.
    for _ in 0..<3 {
      let report = try box.run(try launch(box, "loopback", LoopbackTests.echo))
      #expect(report.out == "hello", "\(report.err)")
      #expect(report.enforced["network"] == "own network namespace, loopback")
    }
  }

  @Test func nobodyElseIsReached() throws {
    let listener = try Listener.tcp()
    let box = try Box()
    let script = """
      use IO::Socket::INET;
      my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1:\(listener.port)");
      print $c ? "reached" : "$!";
      """
    #expect(try box.run(try launch(box, "loopback", script)).out == "Connection refused")
    // Without a network of its own it is reached.
    var open = try launch(box, "loopback", script)
    open.without = [.network, .landlock]
    #expect(try box.run(open).out == "reached")
  }

  @Test func withoutTheGrantThereIsNoSocket() throws {
    let box = try Box()
    let report = try box.run(try launch(box, "unix", LoopbackTests.echo))
    #expect(report.err.contains("Operation not permitted"), "\(report.err)")
    #expect(report.denied.contains { $0.name == "socket" && $0.arguments[0] == 2 })
  }

  @Test func aFailedInterfaceIsNamed() throws {
    let box = try Box()
    var launch = try launch(box, "loopback", "print 1")
    launch.failingStage = 31
    let failure = #expect(throws: LaunchFailure.self) { try box.run(launch) }
    #expect(failure?.stage == "loopback")
  }
}
