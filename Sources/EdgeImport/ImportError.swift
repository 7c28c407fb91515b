/// Why a collection could not be imported: what is wrong, where, and what to do next.
package struct ImportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, in words.
  package let what: String
  /// The file, with `:LINE` where one line is at fault.
  package let place: String
  /// What to do next; empty where nothing better can be said.
  package let hint: String

  package init(_ what: String, at place: String, hint: String = "") {
    self.what = what
    self.place = place
    self.hint = hint
  }

  package var description: String {
    hint.isEmpty ? "\(place): \(what)" : "\(place): \(what)\n\(hint)"
  }
}

/// Text from outside, made safe for a message: control characters escaped, at most 80 characters.
func quoted(_ text: String) -> String {
  var shown = ""
  for scalar in text.unicodeScalars.prefix(80) { shown += scalar.escaped(asASCII: true) }
  return "\"\(shown)\(text.unicodeScalars.count > 80 ? "…" : "")\""
}
