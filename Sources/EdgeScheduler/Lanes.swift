internal import EdgeJob

/// The workers, seen by what jobs ask for: one lane for each different set of needs.
///
/// A lane is worked out once, however many jobs use it. Free slots are shared between lanes and
/// only ever become fewer, so a lane that ran out stays empty.
struct Lanes {
  private let workers: [WorkerOffer]
  private var free: [Int]
  private var indexes: [Needs: Int] = [:]
  private var lanes: [Lane] = []

  private enum Lane {
    case open(MinHeap<Place>)
    case blocked(WaitReason)
  }

  /// A worker in a lane, best first.
  private struct Place: Comparable {
    /// 0 for the worker of the job's own session.
    let distance: Int
    /// How much it offers; rich workers are kept for those who need them.
    let wealth: Int
    /// How big its machine is; big ones are kept for those who need them.
    let size: Int
    /// Free slots when it was put here; it may have fewer by now.
    var free: Int
    /// Its place among the workers sorted by id.
    let worker: Int

    static func < (left: Place, right: Place) -> Bool {
      (left.distance, left.wealth, left.size, right.free, left.worker)
        < (right.distance, right.wealth, right.size, left.free, right.worker)
    }
  }

  init(workers: [WorkerOffer]) {
    self.workers = workers.sorted { $0.id < $1.id }
    free = self.workers.map { $0.draining || $0.accepts == .nothing ? 0 : max(0, $0.freeSlots) }
    precondition(
      Set(workers.map(\.id)).count == workers.count, "two offers of the same worker")
  }

  /// The lane of these needs, made where there is none yet.
  mutating func index(for needs: Needs) -> Int {
    if let index = indexes[needs] { return index }
    lanes.append(lane(for: needs))
    indexes[needs] = lanes.count - 1
    return lanes.count - 1
  }

  /// Why no job of this lane can run whatever happens, or nil.
  func obstacle(_ index: Int) -> WaitReason? {
    if case .blocked(let reason) = lanes[index] { reason } else { nil }
  }

  /// Takes one slot of the best worker of a lane; nil where none is left.
  mutating func takeSlot(_ index: Int) -> String? {
    guard case .open(var heap) = lanes[index] else { return nil }
    lanes[index] = .blocked(.allWorkersBusy)
    defer { lanes[index] = .open(heap) }
    while var place = heap.popLeast() {
      let now = free[place.worker]
      if now == 0 { continue }
      if place.free == now {
        free[place.worker] -= 1
        place.free -= 1
        heap.insert(place)
        return workers[place.worker].id
      }
      place.free = now
      heap.insert(place)
    }
    return nil
  }

  private func lane(for needs: Needs) -> Lane {
    let open = workers.indices.filter { workers[$0].accepts(session: needs.session) }
    let able = open.filter { workers[$0].lacks(needs) == nil }
    if !able.isEmpty {
      let live = able.filter { workers[$0].takes(needs) }
      if live.isEmpty {
        let why = able.lazy.filter { !workers[$0].draining }.compactMap { workers[$0].why }.first
        let drained = able.lazy.compactMap { workers[$0].why }.first
        return .blocked(
          why.map { .workersSpare($0) } ?? drained.map { .workersDrained($0) } ?? .workersDraining)
      }
      return .open(MinHeap(live.map { place($0, for: needs) }))
    }
    if open.isEmpty { return .blocked(.noWorkers) }
    let missing = needs.all.first { thing in
      !open.contains { workers[$0].offers(thing, needs) }
    }
    return .blocked(missing.map { .noWorkerOffers($0) } ?? .noWorkerOffersAll(needs.all))
  }

  private func place(_ index: Int, for needs: Needs) -> Place {
    let worker = workers[index]
    let isOwn = worker.onlySession != nil && worker.onlySession == needs.session
    return Place(
      distance: isOwn ? 0 : 1, wealth: worker.profiles.count + worker.provides.count,
      size: worker.size, free: free[index], worker: index)
  }
}
