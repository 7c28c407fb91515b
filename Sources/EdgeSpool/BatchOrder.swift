package import EdgeJob
internal import EdgeSystem

/// What was asked of a whole batch: `batches/orders/ID`. It stands from before the first of its
/// jobs is touched until the last one was, so that who leads next carries on; a hold stands for as
/// long as it keeps jobs from getting their tickets.
package struct BatchOrder: Hashable, Sendable {
  package var verb: ControlRequest.Verb
  package var reason: String
  /// Of a cancel: from SIGTERM to SIGKILL for what runs, milliseconds.
  package var grace: Int64
  /// True where every job that had a ticket was dealt with.
  package var isDone: Bool

  package init(
    _ verb: ControlRequest.Verb, reason: String, grace: Int64 = 0, isDone: Bool = false
  ) {
    self.verb = verb
    self.reason = reason
    self.grace = grace
    self.isDone = isDone
  }

  package static let schema = "edgecoder.batch-order/1"

  package var json: JSON {
    [
      "schema": .string(BatchOrder.schema), "verb": .string(verb.rawValue),
      "reason": .string(reason), "grace": .int(grace), "done": .bool(isDone),
    ]
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "order")
    try fields.schema(BatchOrder.schema)
    guard let verb = ControlRequest.Verb(rawValue: try fields.text("verb")) else {
      throw JSONError("an unknown verb")
    }
    self.verb = verb
    reason = try fields.text("reason")
    grace = try fields.integer("grace")
    isDone = try fields.flag("done")
    try fields.end()
  }
}

extension Spool {
  /// Writes down what is to be done to a batch, in place of what was before; durable when this
  /// returns.
  package func put(_ order: BatchOrder, of batch: JobID) throws(SpoolError) {
    do throws(SystemError) {
      try root.ensureDirectory(Layout.batchOrders)
      let orders = try root.directory(Layout.batchOrders)
      try orders.overwrite(batch.description, order.json.canonical)
      try orders.sync()
      try root.directory(Layout.batches).sync()
    } catch {
      throw SpoolError(error)
    }
  }

  /// What is to be done to a batch; nil where nothing is.
  package func order(of batch: JobID) -> BatchOrder? {
    guard let bytes = try? root.read("\(Layout.batchOrders)/\(batch)", atMost: 1 << 16),
      let json = try? JSON.parse(bytes)
    else { return nil }
    return try? BatchOrder(json: json)
  }

  /// The batches for which there is an order.
  package func orderedBatches() -> [JobID] {
    ((try? root.directory(Layout.batchOrders).entries()) ?? []).compactMap { JobID($0) }
  }

  /// An order was carried out, and nothing is left of it.
  package func removeOrder(of batch: JobID) throws(SpoolError) {
    try removeTicket(at: "\(Layout.batchOrders)/\(batch)")
  }
}
