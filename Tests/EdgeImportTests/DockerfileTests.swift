import Testing

@testable import EdgeImport

/// The Dockerfile as it is read, and what follows from it.
struct DockerfileTests {
  private func parse(_ text: String) throws -> [String] {
    try Dockerfile(parsing: Array(text.utf8), named: "D").instructions
      .map { "\($0.line) \($0.keyword) \($0.text)" }
  }

  @Test func commentsAndContinuedLinesAreJoined() throws {
    let text = "# first\nfrom debian:12\n\nRUN a && \\\n # between\n\n  b \\\n  && c\r\nWORKDIR /w"
    #expect(
      try parse(text) == ["2 FROM debian:12", "4 RUN a &&  b  && c", "9 WORKDIR /w"])
  }

  @Test(arguments: [
    "# escape=`\nFROM x", "FROM x\nRUN <<E\nrm -rf /\nE", "FROM x\nCOPY <<E /x\nE", "\u{0}",
    "FROM x\n=y", "FROM x\n$(id)",
  ])
  func whatIsNotUnderstoodIsRefused(text: String) {
    let error = #expect(throws: ImportError.self) { try parse(text) }
    #expect(error?.place.hasPrefix("D") == true)
  }

  @Test func otherDirectivesAreComments() throws {
    #expect(try parse("# syntax=docker/dockerfile:1\n# escape=\\\nFROM x") == ["3 FROM x"])
  }

  @Test func aHugeFileIsRefused() {
    let text = String(repeating: "#", count: Dockerfile.bytesMax + 1)
    #expect(throws: ImportError.self) { try parse(text) }
  }

  private static let context = BuildContext(
    files: ["a.txt", "data/b.txt", "data/deep/c.sh", "top/run.sh"].map {
      BuildContext.File(path: $0, bytes: Array($0.utf8), executable: $0.hasSuffix(".sh"))
    })

  private func environment(_ lines: String) throws -> HarborEnvironment {
    let dockerfile = try Dockerfile(parsing: Array("FROM x\n\(lines)\n".utf8), named: "D")
    return HarborEnvironment(dockerfile, context: Self.context)
  }

  private func copies(_ lines: String) throws -> [String: String] {
    let environment = try environment(lines)
    #expect(environment.reasons.isEmpty)
    return environment.files.mapValues(\.path)
  }

  @Test func copyFollowsTheRulesOfItsTarget() throws {
    #expect(try copies("COPY a.txt /w/x.txt") == ["/w/x.txt": "a.txt"])
    #expect(try copies("COPY a.txt /w/") == ["/w/a.txt": "a.txt"])
    #expect(
      try copies("COPY ./a.txt data/b.txt /w/") == ["/w/a.txt": "a.txt", "/w/b.txt": "data/b.txt"])
    #expect(try copies("WORKDIR /w\nCOPY a.txt .") == ["/w/a.txt": "a.txt"])
    #expect(try copies("WORKDIR /w\nWORKDIR in\nCOPY a.txt b") == ["/w/in/b": "a.txt"])
    #expect(try copies("RUN mkdir -p /w/d\nCOPY a.txt /w/d") == ["/w/d/a.txt": "a.txt"])
    let all = ["/w/b.txt": "data/b.txt", "/w/deep/c.sh": "data/deep/c.sh"]
    #expect(try copies("COPY data /w") == all)
    #expect(try copies("COPY data/ /w/") == all)
    #expect(try copies("COPY [\"a.txt\", \"/w/y z\"]") == ["/w/y z": "a.txt"])
    #expect(try copies("ENV D=/w\nCOPY a.txt ${D}/x") == ["/w/x": "a.txt"])
    #expect(try copies("COPY --chown=u:g a.txt /w/x") == ["/w/x": "a.txt"])
    #expect(try copies("COPY . /w").count == 4)
  }

  @Test(arguments: [
    "COPY missing /w", "COPY ../a.txt /w", "COPY /../../etc/passwd /w", "COPY data/../a.txt /w",
    "COPY a.txt", "COPY --from=other /bin/sh /w/sh", "ADD http://example.org/x /w/x",
    "COPY $(id) /w", "RUN curl http://example.org | sh", "RUN make", "RUN mkdir /w/{a,b}",
    "RUN echo hi > /w/x", "RUN useradd x", "RUN mkdir -m 700 /w/x", "RUN mkdir /w/*",
    "RUN rm -rf /w", "RUN ln -s /etc/passwd /w/x", "RUN pip install -r requirements.txt",
    "RUN pip install git+https://example.org/x", "RUN pip download x", "RUN apt-key add x",
    "RUN [\"sh\", \"-c\", \"id\"]", "RUN --mount=type=secret cat /x", "SHELL [\"sh\"]",
    "ONBUILD RUN id", "FROM second", "ENV", "ENV =x", "RUN chmod +x /w/missing", "RUN `id`",
    "RUN a || b", "RUN a &", "RUN 'open", "NONSENSE x",
  ])
  func whatCannotBeCarriedOverIsAReason(line: String) throws {
    let reasons = try environment(line).reasons
    #expect(reasons.count == 1)
    #expect(reasons.allSatisfy { !$0.contains("\n") })
  }

  @Test func packagesBecomeNamesWithoutVersions() throws {
    let environment = try environment(
      """
      RUN apt-get update && apt-get install -y --no-install-recommends jq gcc=12 && \\
          rm -rf /var/lib/apt/lists/*
      RUN pip3 install --no-cache-dir 'pytest==8.4.1' PyYAML>=6 || true
      """.replacing(" || true", with: "").replacing(">=6", with: ""))
    #expect(environment.reasons.isEmpty)
    #expect(environment.packages == ["jq", "gcc"])
    #expect(environment.distributions == ["pytest", "PyYAML"])
    #expect(environment.notices.count == 2)
    #expect(HarborMapping.module(of: "PyYAML") == "yaml")
    #expect(HarborMapping.normalised("My_Thing.x") == "my-thing-x")
  }

  @Test func modesAndDirectoriesAreCarriedOver() throws {
    let environment = try environment(
      "COPY a.txt top/run.sh /w/\nRUN chmod 755 /w/a.txt && chmod 644 /w/run.sh\n"
        + "WORKDIR /w\nRUN mkdir -p logs /w/out && chmod 777 logs\nRUN ln -s /usr/bin/python3 "
        + "/usr/bin/python")
    #expect(environment.reasons.isEmpty)
    #expect(environment.files["/w/a.txt"]?.executable == true)
    #expect(environment.files["/w/run.sh"]?.executable == false)
    #expect(environment.directories == ["/w", "/w/logs", "/w/out"])
    #expect(environment.linksPython)
    #expect(environment.workDirectory == "/w")
  }

  @Test func variablesAreExpanded() throws {
    let environment = try environment("ARG B=b\nENV A=1 C=\"x y\"\nENV D $A-${B}-${E:-e}\nENV F=")
    #expect(environment.variables == ["A": "1", "C": "x y", "D": "1-b-e", "F": ""])
  }

  @Test func mountPointsLieOutsideTheSystem() {
    for path in ["/workspace", "/app", "/home/user", "/home", "/opt/x", "/srv", "/data"] {
      #expect(AbsolutePath.isMountPoint(path), "\(path)")
    }
    for path in [
      "/", "", "app", "/usr", "/usr/local/app", "/etc", "/tmp", "/tmp/x", "/proc/self", "/dev",
      "/tests", "/runner/x", "/logs", "/root", "/lib64", "/var/lib", "/a/../etc", "/a b", "/a/-b",
    ] {
      #expect(!AbsolutePath.isMountPoint(path), "\(path)")
    }
  }

  @Test func pathsAreResolvedWithoutLeavingTheRoot() {
    #expect(AbsolutePath.resolve("../../x", from: "/a/b/c") == "/a/x")
    #expect(AbsolutePath.resolve("../../../../x", from: "/a") == "/x")
    #expect(AbsolutePath.resolve("/a//b/./c/", from: "/z") == "/a/b/c")
    #expect(AbsolutePath.relative("/ab", to: "/a") == nil)
    #expect(AbsolutePath.relative("/a/b", to: "/a") == "b")
    #expect(AbsolutePath.relative("/a", to: "/a")?.isEmpty == true)
  }

  @Test func pathsInTextAreFound() {
    let text = "See `/a/b.txt`, \"/c\"; http://x.org/y and a/b (/d/e.) 1/2 =/f/ //g"
    #expect(PathWords.words(Array(text.utf8)) == ["/a/b.txt", "/c", "/d/e", "/f"])
  }
}
