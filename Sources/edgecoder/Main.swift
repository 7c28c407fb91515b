internal import EdgeCommands

/// The program; everything it does lives in `EdgeCommands`.
@main
struct Main {
  static func main() { runEdgeCoder() }
}
