internal import EdgeSystem

/// A jail that has built one template, and starts one run after the other in it. It is a member of
/// control groups of its own, lives in namespaces of its own and under the profile's filter, so
/// that whatever it starts is born there.
final class Launcher: Sendable {
  let key: TemplateKey
  let template: TemplatePlan
  let jail: Jail
  let groups: RunGroups

  /// Returns when the template is built.
  /// - Throws: the step that failed; nothing is left then.
  init(
    path: String, key: TemplateKey, template: TemplatePlan, groups: consuming RunGroups
  ) throws(LaunchFailure) {
    let jail = try Jail.start(path, groups: groups.members)
    if !groups.holdsProcessors, !key.processors.isEmpty {
      do { try Processors.confine(jail.process, to: key.processors) } catch {
        throw LaunchFailure(stage: "processors", errno: error.errno, subject: error.subject)
          .explained()
      }
    }
    try jail.order(template.bytes)
    let shown = try jail.await { $0.isReady }.groups
    if let label = groups.label, let problem = Launcher.difference(shown, label, groups.members) {
      throw LaunchFailure(stage: "proof", errno: 0, subject: problem)
    }
    self.key = key
    self.template = template
    self.jail = jail
    self.groups = groups
  }

  /// The jail is in each of its groups: as many lines end with their name as there are places.
  private static func difference(
    _ shown: ArraySlice<UInt8>, _ label: String, _ members: [Int32]
  ) -> String? {
    let end = Array("/\(label)".utf8)
    let count = shown.split(separator: 0x0A).count { $0.suffix(end.count).elementsEqual(end) }
    return count >= members.count ? nil : "control group \(label) holds in \(count) places only"
  }

  deinit {
    // The groups can only be removed when nobody is in them any more.
    jail.end()
  }
}
