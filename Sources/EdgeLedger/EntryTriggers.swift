/// What the database itself refuses around entries and the small tables, whoever asks it.
///
/// Triggers stop mistakes and ordinary programs. Somebody who may write the file can drop them;
/// that is what the chain and heads kept elsewhere are for.
enum EntryTriggers {
  static let items =
    [entryBegins, entryFollows, metaBegins]
    + ["meta", "entry", "transfer", "job_posting"].flatMap { [never("UPDATE", $0)] }
    + ["meta", "entry", "transfer", "job_posting", "key", "account"]
    .flatMap { [never("DELETE", $0)] }
    + [keyAdded, keyRetired, postingAdded, accountOpened, accountKept, accountClosed]

  private static func never(_ verb: String, _ table: String) -> Schema.Item {
    Schema.Item(
      name: "\(table)_no_\(verb.lowercased())",
      sql: """
        CREATE TRIGGER \(table)_no_\(verb.lowercased()) BEFORE \(verb) ON \(table) BEGIN
          SELECT RAISE(ABORT, '\(table): rows are never changed or removed');
        END
        """)
  }

  private static let entryBegins = Schema.Item(
    name: "entry_begins",
    sql: """
      CREATE TRIGGER entry_begins BEFORE INSERT ON entry
      WHEN NOT EXISTS (SELECT 1 FROM entry) BEGIN
        SELECT RAISE(ABORT, 'entry: the first one is 0, of type genesis, after nothing')
        WHERE NEW.seq <> 0 OR NEW.type <> 'genesis' OR NEW.epoch <> 0
          OR NEW.prev <> zeroblob(32);
      END
      """)

  private static let entryFollows = Schema.Item(
    name: "entry_follows",
    sql: """
      CREATE TRIGGER entry_follows BEFORE INSERT ON entry
      WHEN EXISTS (SELECT 1 FROM entry) BEGIN
        SELECT RAISE(ABORT, 'entry: does not follow the last one')
        FROM (SELECT seq, ts, epoch, hash FROM entry ORDER BY seq DESC LIMIT 1) AS last
        WHERE NEW.seq <> last.seq + 1 OR NEW.prev <> last.hash OR NEW.ts < last.ts
          OR NEW.epoch <> last.epoch + (NEW.type = 'epoch') OR NEW.type = 'genesis';
      END
      """)

  private static let metaBegins = Schema.Item(
    name: "meta_begins",
    sql: """
      CREATE TRIGGER meta_begins BEFORE INSERT ON meta WHEN EXISTS (SELECT 1 FROM entry) BEGIN
        SELECT RAISE(ABORT, 'meta: is written before the first entry');
      END
      """)

  private static let keyAdded = Schema.Item(
    name: "key_added",
    sql: """
      CREATE TRIGGER key_added BEFORE INSERT ON key BEGIN
        SELECT RAISE(ABORT, 'key: belongs to no new entry')
        WHERE NEW.retired IS NOT NULL OR NOT EXISTS (
          SELECT 1 FROM (SELECT seq, type FROM entry ORDER BY seq DESC LIMIT 1) AS last
          WHERE last.seq = NEW.added AND last.type = 'key');
      END
      """)

  private static let keyRetired = Schema.Item(
    name: "key_retired",
    sql: """
      CREATE TRIGGER key_retired BEFORE UPDATE ON key BEGIN
        SELECT RAISE(ABORT, 'key: only its end can be set, once')
        WHERE OLD.retired IS NOT NULL OR NEW.id <> OLD.id OR NEW.algorithm <> OLD.algorithm
          OR NEW.public <> OLD.public OR NEW.purpose <> OLD.purpose OR NEW.holder <> OLD.holder
          OR NEW.added <> OLD.added OR NOT EXISTS (
            SELECT 1 FROM (SELECT seq, type FROM entry ORDER BY seq DESC LIMIT 1) AS last
            WHERE last.seq = NEW.retired AND last.type = 'retire');
      END
      """)

  private static let postingAdded = Schema.Item(
    name: "job_posting_added",
    sql: """
      CREATE TRIGGER job_posting_added BEFORE INSERT ON job_posting BEGIN
        SELECT RAISE(ABORT, 'job_posting: belongs to no new entry')
        WHERE NOT EXISTS (
          SELECT 1 FROM (SELECT seq, type FROM entry ORDER BY seq DESC LIMIT 1) AS last
          WHERE last.seq = NEW.seq
            AND (last.type = 'reserve' OR last.type = 'post' OR last.type = 'void'));
      END
      """)

  private static let accountOpened = Schema.Item(
    name: "account_opened",
    sql: """
      CREATE TRIGGER account_opened BEFORE INSERT ON account BEGIN
        SELECT RAISE(ABORT, 'account: is opened empty, by a new entry, under a new name')
        WHERE NEW.closed IS NOT NULL OR NEW.moved_seq <> -1 OR NEW.moved_leg <> -1
          OR NEW.dr_pend <> 0 OR NEW.dr_post <> 0 OR NEW.cr_pend <> 0 OR NEW.cr_post <> 0
          OR NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM account)
          OR EXISTS (SELECT 1 FROM account WHERE name = NEW.name)
          OR NOT EXISTS (
            SELECT 1 FROM (SELECT seq, type FROM entry ORDER BY seq DESC LIMIT 1) AS last
            WHERE last.seq = NEW.opened AND last.type IN ('genesis', 'account'));
      END
      """)

  private static let accountKept = Schema.Item(
    name: "account_kept",
    sql: """
      CREATE TRIGGER account_kept BEFORE UPDATE OF id, name, kind, opened ON account BEGIN
        SELECT RAISE(ABORT, 'account: what it is never changes');
      END
      """)

  private static let accountClosed = Schema.Item(
    name: "account_closed",
    sql: """
      CREATE TRIGGER account_closed BEFORE UPDATE OF closed ON account BEGIN
        SELECT RAISE(ABORT, 'account: is closed once, with nothing pending')
        WHERE OLD.closed IS NOT NULL OR OLD.dr_pend <> 0 OR OLD.cr_pend <> 0 OR NOT EXISTS (
          SELECT 1 FROM (SELECT seq, type FROM entry ORDER BY seq DESC LIMIT 1) AS last
          WHERE last.seq = NEW.closed AND last.type = 'close');
      END
      """)
}
