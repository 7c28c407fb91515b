internal import ArgumentParser

/// Runs the command line of this process.
package func runEdgeCoder() async {
}
