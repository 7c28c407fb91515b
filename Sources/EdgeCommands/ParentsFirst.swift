/// Each of these behind those that it waits for, otherwise in their order. Those that only
/// `parents` names come along, and of a circle everybody comes once. Without recursion: a chain may
/// be as long as a batch.
func parentsFirst<Node: Hashable>(_ nodes: some Sequence<Node>, _ parents: (Node) -> [Node])
  -> [Node]
{
  var order: [Node] = []
  var entered: Set<Node> = []
  for start in nodes where entered.insert(start).inserted {
    var path = [(node: start, rest: parents(start)[...])]
    while var last = path.popLast() {
      guard let next = last.rest.popFirst() else {
        order.append(last.node)
        continue
      }
      path.append(last)
      if entered.insert(next).inserted { path.append((next, parents(next)[...])) }
    }
  }
  return order
}
