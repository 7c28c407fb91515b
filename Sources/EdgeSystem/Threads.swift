internal import CLinux
internal import Glibc

/// A thread of our own, for work that blocks.
package final class WorkThread: @unchecked Sendable {
  // Written once by `start` before anybody else sees the object, read once by `join`.
  private var handle = pthread_t()

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// What pthread_create(3) calls, with a body that nobody else holds.
  private static let runBody:
    @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
      { context in
        if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }

  /// Starts a thread that runs `body` once.
  package static func start(_ body: @escaping @Sendable () -> Void) -> WorkThread {
    let thread = WorkThread()
    let context = Unmanaged.passRetained(Body(body)).toOpaque()
    let failure = pthread_create(&thread.handle, nil, runBody, context)
    precondition(failure == 0, "the machine is out of threads (errno \(failure))")
    return thread
  }

  /// Waits until it has ended; called at most once.
  package func join() { pthread_join(handle, nil) }
}

/// A first-in-first-out line between threads.
package final class Channel<Element: Sendable>: @unchecked Sendable {
  // Every access to the stored properties happens with the mutex held.
  private var elements: [Element] = []
  private var isClosed = false
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Puts an element at the end of the line.
  package func send(_ element: Element) {
    locked {
      precondition(!isClosed, "nothing is sent on a closed line")
      elements.append(element)
      pthread_cond_signal(condition)
    }
  }

  /// Ends the line: receivers get what is left, then nil.
  package func close() {
    locked {
      isClosed = true
      pthread_cond_broadcast(condition)
    }
  }

  /// The first element; waits for one. Nil where the line has ended.
  package func receive() -> Element? { receive(atMost: 1)?.first }

  /// What has gathered, at most `most` elements and at least one; waits for it. Nil where the line
  /// has ended.
  package func receive(atMost most: Int) -> [Element]? {
    locked {
      while elements.isEmpty {
        if isClosed { return nil }
        pthread_cond_wait(condition, mutex)
      }
      let taken = Array(elements.prefix(most))
      elements.removeFirst(taken.count)
      return taken
    }
  }
}

/// A descriptor that becomes readable when it is raised, eventfd(2); stays so until lowered.
package struct Signal: ~Copyable, Sendable {
  private let file: Descriptor

  package init() throws(SystemError) {
    file = Descriptor(owning: try checked("eventfd", "event") { ec_eventfd() })
  }

  /// Readable while raised; borrowed.
  package var descriptor: Int32 { file.raw }

  /// Makes it readable.
  package func raise() {
    var one: UInt64 = 1
    _ = withUnsafeBytes(of: &one) { Glibc.write(file.raw, $0.baseAddress, 8) }
  }

  /// Makes it unreadable again.
  package func lower() {
    var count: UInt64 = 0
    _ = withUnsafeMutableBytes(of: &count) { Glibc.read(file.raw, $0.baseAddress, 8) }
  }
}
