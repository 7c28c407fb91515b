/// An error for a person: what, where, why, and what to do next; at most four lines.
package struct ErrorText: Hashable, Sendable {
  /// What went wrong, in a few words.
  package var what: String
  /// The file, job or place.
  package var place: String?
  /// The reason.
  package var why: String?
  /// What to do next.
  package var next: String?

  package init(_ what: String, place: String? = nil, why: String? = nil, next: String? = nil) {
    self.what = what
    self.place = place
    self.why = why
    self.next = next
  }

  /// The lines, each ended by `\n`. Parts from outside are made safe to show, one line each.
  package func text(_ style: Style = .plain) -> String {
    var lines = [style.paint("error:", .bad) + " " + Untrusted.line(what)]
    for (label, part) in [("where", place), ("why", why), ("next", next)] {
      if let part, !part.isEmpty { lines.append("  \(label): \(Untrusted.line(part))") }
    }
    return lines.map { $0 + "\n" }.joined()
  }
}

/// A form that a document does not have.
package struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
  package let format: OutputFormat
  package let schema: String

  package var description: String {
    "\(schema) has no form \"\(format.rawValue)\"; only lists of jobs have it"
  }

  /// The same for a person.
  package var errorText: ErrorText {
    ErrorText(
      "this output has no form \"\(format.rawValue)\"", place: schema,
      next: "choose --format table, plain, json, jsonl or markdown")
  }
}
