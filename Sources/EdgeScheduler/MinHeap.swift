/// A binary heap that gives its least element first.
struct MinHeap<Element: Comparable & Sendable>: Sendable {
  private var elements: [Element] = []

  init(_ elements: some Sequence<Element>) { for element in elements { insert(element) } }

  var isEmpty: Bool { elements.isEmpty }

  /// The least element, nil where there is none.
  var least: Element? { elements.first }

  mutating func insert(_ element: Element) {
    elements.append(element)
    var child = elements.count - 1
    while child > 0, elements[child] < elements[(child - 1) / 2] {
      elements.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes the least element out, nil where there is none.
  mutating func popLeast() -> Element? {
    guard let least = elements.first, let last = elements.popLast() else { return nil }
    if elements.isEmpty { return least }
    elements[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < elements.count && elements[child] < elements[least] {
        least = child
      }
      if least == parent { break }
      elements.swapAt(parent, least)
      parent = least
    }
    return least
  }
}
