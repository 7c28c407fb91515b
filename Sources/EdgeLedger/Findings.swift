internal import EdgeJob

/// Collects what is wrong, up to the number that is reported.
struct Findings {
  private(set) var list: [Finding] = []

  mutating func add(_ table: String, _ seq: Int64?, _ row: String = "", _ problem: String) {
    if !isFull {
      list.append(Finding(table: table, seq: seq, row: row, problem: problem))
    }
  }

  mutating func add(_ findings: [Finding]) {
    list = Array((list + findings).prefix(Verification.findingsMax))
  }

  var isFull: Bool { list.count >= Verification.findingsMax }
}
