import EdgeJob
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// The main job: every task of the shared data from its archive to the ledger, once with a
  /// solution and once untouched, in one submission and with two slots.
  @Suite(
    .sharedData("humaneval"), .sharedData("mbpp"), .sharedData("quixbugs"),
    .sharedData("exercism-python"), .sharedData("exercism-javascript"), .sharedData("harbor"),
    .python("pytest"), .program("node"))
  struct CampaignTests {
    private static let mutations = 100

    /// Tasks whose own solution cannot pass, with a word of what the tests then say.
    private static let broken = [
      "exercism-python-error-handling": "test_utils",
      "exercism-javascript-grep": "ENOENT",
    ]

    @Test(.timeLimit(.minutes(20))) func everyTaskFromItsArchiveToTheLedger() throws {
      let world = CampaignWorld(folder: TemporaryDirectory())
      try world.folder.write("mutate.py", text: CampaignScript.mutate)
      let data = try #require(SharedData.folder("humaneval")).dropLast("/humaneval".count)
      let folder = binary("edgecoder").dropLast("/edgecoder".count)
      let result = try world.run(
        CampaignScript.text,
        [String(folder), RepositoryRoot.path, String(data), world.name, "\(Self.mutations)"],
        seconds: 1100)
      #expect(result.status == 0, "\(result)")
      let records = try CampaignRecords(world.folder)
      try imports(records)
      solutions(records)
      try exceptions(records)
      untouched(records)
      try harbor(records)
      try setUpsOfMBPP(records, data: String(data))
      report(records)
      try money(records)
      try mutations(world.folder)
      if CampaignWorld.isPossible {
        #expect(try world.folder.text("after") == world.folder.text("before"))
      } else {
        print("not root: what was left behind is not compared")
      }
      print(try world.folder.text("times"))
    }

    private func imports(_ records: CampaignRecords) throws {
      var all = 0
      for set in CampaignRecords.sets {
        let imports = try records.imports(set.name)
        all += imports.count
        #expect(imports.count == set.count, "\(set.name)")
        #expect(imports.refused.isEmpty || set.name == "harbor", "\(imports.refused)")
        let ran = records.runs.filter { $0.set == set.name && !$0.isSolved }.map(\.name)
        #expect(Set(ran) == Set(imports.names).union(imports.notRunnable.keys), "\(set.name)")
        print(
          "\(set.name): \(imports.names.count) imported, \(imports.notRunnable.count) imported but "
            + "not runnable, \(imports.refused.count) refused")
        for (name, reason) in imports.notRunnable.sorted(by: <) {
          #expect(Self.broken[name] != nil || set.name == "harbor", "\(name): \(reason)")
          print("  not runnable: \(name): \(reason)")
        }
        for (name, reason) in imports.refused.sorted(by: <) {
          #expect(!reason.isEmpty, "\(name)")
          print("  refused: \(name): \(reason)")
        }
      }
      #expect(all == 799)
    }

    private func solutions(_ records: CampaignRecords) {
      for set in CampaignRecords.sets where set.name != "harbor" {
        let runs = records.runs.filter { $0.set == set.name && $0.isSolved }
        #expect(runs.count == set.count, "\(set.name)")
        let failed = Set(runs.filter { !$0.hasPassed }.map(\.name))
        let excepted = Set(Self.broken.keys.filter { name in runs.contains { $0.name == name } })
        #expect(failed == excepted, "\(set.name)")
      }
    }

    /// The exceptions fail for the reason that is known, and not because of us.
    private func exceptions(_ records: CampaignRecords) throws {
      for (name, word) in Self.broken.sorted(by: <) {
        let messages = try records.messages(of: name)
        #expect(messages.contains(word), "\(name): \(messages)")
        print("exception: \(name): its tests fail with \"\(word)\"")
      }
    }

    /// Two tasks are known as broken: their set-up makes objects of a class that only the
    /// solution has, and the collection runs the set-up first. The importer takes the class of
    /// the solution before the set-up, so that they pass here.
    private func setUpsOfMBPP(_ records: CampaignRecords, data: String) throws {
      for number in ["367", "927"] {
        let script = """
          import json, sys
          records = map(json.loads, open(sys.argv[1] + "/mbpp/mbpp.jsonl", encoding="utf-8"))
          record = next(r for r in records if r["task_id"] == "MBPP/" + sys.argv[2])
          exec(record["test_setup_code"] + "\\n" + record["code"])
          """
        let inOrder = try Python.run(script, [data, number])
        #expect(inOrder.status == 1 && inOrder.errors.contains("name 'Node' is not defined"))
        let runs = records.runs.filter { $0.name == "mbpp-\(number)" }
        #expect(runs.map(\.isSolved).sorted { !$0 && $1 } == [false, true])
        #expect(runs.allSatisfy { $0.hasPassed == $0.isSolved })
        print("explained: mbpp-\(number): its set-up needs a class of the solution: imported")
      }
    }

    private func untouched(_ records: CampaignRecords) {
      for run in records.runs where !run.isSolved {
        #expect(!run.hasPassed, "\(run.name)")
        if run.set != "harbor" { #expect(run.state == "done", "\(run)") }
      }
    }

    private func harbor(_ records: CampaignRecords) throws {
      let runs = records.runs.filter { $0.set == "harbor" }
      let own = runs.filter(\.isSolved)
      #expect(own.count == 5)
      for run in own { #expect(run.hasPassed, "\(run)") }
      // What this machine lacks holds a job; nothing else keeps one from a verdict.
      let left = runs.filter { $0.state != "done" }
      let reasons = try records.folder.text("run.err").split(separator: "\n")
        .filter { $0.contains("held, no worker here offers it") }
      #expect(reasons.count == left.count, "\(left)")
      for run in left {
        #expect(!run.isSolved && ["held", "ready"].contains(run.state), "\(run)")
        print("  not runnable here: \(run.name)")
      }
      for reason in reasons { print("  because\(reason)") }
      let isRunnable = runs.count { !$0.isSolved && $0.state == "done" }
      #expect(isRunnable >= 15)
      print("  harbor: \(isRunnable) reached a verdict untouched, \(own.count) own ones passed")
    }

    private func report(_ records: CampaignRecords) {
      var all = 0
      for set in CampaignRecords.sets {
        for isSolved in [true, false] {
          let runs = records.runs.filter { $0.set == set.name && $0.isSolved == isSolved }
          let counts = Dictionary(grouping: runs, by: \.summary).mapValues(\.count)
          let words = counts.sorted(by: <).map { "\($0.value) \($0.key)" }.joined(separator: ", ")
          print("\(set.name) \(isSolved ? "solved" : "untouched"): \(runs.count) = \(words)")
          #expect(counts.values.reduce(0, +) == runs.count)
          all += runs.count
        }
      }
      #expect(all == records.runs.count)
    }

    private func money(_ records: CampaignRecords) throws {
      #expect(try records.json("verify.json")["result"]?.text == "clean")
      let accounts = try records.json("balance.json")["accounts"]?.elements ?? []
      let balances = Dictionary(
        uniqueKeysWithValues: accounts.map { ($0["account"]?.text ?? "", credits($0["balance"])) })
      #expect(balances.values.reduce(0, +) == 0)
      let lines = try records.json("statement.json")["lines"]?.elements ?? []
      func amounts(_ kind: String) -> [Int64] {
        lines.filter { $0["kind"]?.text == kind }.map { credits($0["amount"]) }
      }
      let granted = amounts("adjust").reduce(0, +)
      let spent = amounts("spend").reduce(0, +)
      let ended = records.runs.count { $0.state == "done" }
      #expect(amounts("spend").count == ended)
      #expect(spent < 0)
      #expect(balances["user:local"] == granted + spent)
      #expect(balances["worker:local"] == -spent)
      // A job that is held keeps its reservation.
      let reserved = accounts.first { $0["account"]?.text == "user:local" }?["reserved"]
      #expect((credits(reserved) > 0) == (ended < records.runs.count))
      print("\(ended) jobs charged with \(-spent) micro-credits")
    }

    private func credits(_ json: JSON?) -> Int64 { Int64(json?.text ?? "") ?? .min }

    private func mutations(_ folder: TemporaryDirectory) throws {
      let lines = try CampaignRecords.lines("mutations", folder)
      #expect(lines.count == Self.mutations)
      let passed = lines.filter { $0.split(separator: " ")[1] != "3" }
      #expect(passed.isEmpty, "seed, exit code, change: \(passed)")
      let tables = Set(lines.compactMap { $0.split { " .".contains($0) }.last(where: known) })
      print("\(lines.count) mutations found, in \(tables.count) tables")
    }

    private func known(_ word: Substring) -> Bool {
      ["meta", "entry", "account", "key", "transfer", "reservation", "job_posting", "allow"]
        .contains(word)
    }
  }
}
