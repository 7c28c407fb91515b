/// Why a sandbox did not start, or why its end says nothing: a word about this machine or about the
/// launch, never about what the program did. Before the stages `supervise`, `kill` and
/// `host memory` nothing of the program has run.
package struct LaunchFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The step that failed, such as `mount`, `seccomp`, `require memory` or `exec`.
  package let stage: String
  /// The error number, errno(3); 0 where no call failed.
  package let errno: Int32
  /// The file or thing that the step was about.
  package let subject: String
  /// What to do about it.
  package let hint: String?

  /// The stage of a run that the kernel killed for want of memory elsewhere: it had less than its
  /// own.
  package static let hostMemory = "host memory"

  package init(stage: String, errno: Int32, subject: String, hint: String? = nil) {
    self.stage = stage
    self.errno = errno
    self.subject = subject
    self.hint = hint
  }

  /// True where the launch asked for something that no retry on any machine would give: a program
  /// that does not exist, a variable that the profile forbids. The task is to be refused then.
  package var isAboutTask: Bool {
    switch stage {
    case "exec", "work directory": [2, 7, 8, 13, 20, 40].contains(errno)
    case "environment", "arguments", "mount point": true
    default: false
    }
  }

  package var description: String {
    let cause = errno == 0 ? "" : ": \(ErrorText.of(errno))"
    return "sandbox, \(stage): \(subject)\(cause)" + (hint.map { "\n\($0)" } ?? "")
  }
}
