/// Something in a policy that is wrong, or that deserves a second look.
package struct LintFinding: Hashable, Sendable {
  /// The kind, such as `conflict`.
  package let code: String
  package let severity: Severity
  /// What and where, for people.
  package let text: String

  /// Errors refuse a policy; warnings are shown.
  package enum Severity: String, Sendable { case error, warning }

  static func error(_ code: String, _ text: String) -> LintFinding {
    LintFinding(code: code, severity: .error, text: text)
  }

  static func warning(_ code: String, _ text: String) -> LintFinding {
    LintFinding(code: code, severity: .warning, text: text)
  }
}

extension LintFinding {
  /// A policy that cannot even be read.
  package init(unreadable text: String) {
    self = .error("unreadable", text)
  }
}
