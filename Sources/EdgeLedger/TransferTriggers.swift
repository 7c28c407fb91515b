/// What the database refuses around transfers, and the only place where balances move.
///
/// `IN` lists and `INSERT … SELECT` are avoided here: SQLite makes a temporary table for each,
/// which costs more than all the rest.
enum TransferTriggers {
  static let items =
    [added, ended, moves, opens, closes, accountMoves, reservationOpened, reservationEnded] + [
      Schema.Item(
        name: "reservation_no_update",
        sql: """
          CREATE TRIGGER reservation_no_update BEFORE UPDATE ON reservation BEGIN
            SELECT RAISE(ABORT, 'reservation: rows are never changed');
          END
          """)
    ]

  private static let added = Schema.Item(
    name: "transfer_added",
    sql: """
      CREATE TRIGGER transfer_added BEFORE INSERT ON transfer BEGIN
        SELECT RAISE(ABORT, 'transfer: belongs to no new entry')
        WHERE NEW.seq <> (SELECT max(seq) FROM entry)
          OR NEW.leg <> (SELECT count(*) FROM transfer WHERE seq = NEW.seq);
        SELECT RAISE(ABORT, 'transfer: exists')
        WHERE EXISTS (SELECT 1 FROM transfer WHERE id = NEW.id);
        SELECT RAISE(ABORT, 'transfer: an account is closed or unknown')
        WHERE NOT EXISTS (SELECT 1 FROM account WHERE id = NEW.dr AND closed IS NULL)
          OR NOT EXISTS (SELECT 1 FROM account WHERE id = NEW.cr AND closed IS NULL);
      END
      """)

  private static let ended = Schema.Item(
    name: "transfer_ends",
    sql: """
      CREATE TRIGGER transfer_ends BEFORE INSERT ON transfer WHEN NEW.pending IS NOT NULL BEGIN
        SELECT RAISE(ABORT, 'transfer: matches no open pending one')
        WHERE NOT EXISTS (
          SELECT 1 FROM reservation AS open JOIN transfer AS held ON held.id = open.transfer
          WHERE open.transfer = NEW.pending AND held.dr = NEW.dr AND held.cr = NEW.cr
            AND held.amount = NEW.held AND NEW.amount <= held.amount
            AND (NEW.kind = 'post' OR NEW.amount = held.amount));
      END
      """)

  private static let moves = Schema.Item(
    name: "transfer_moves",
    sql: """
      CREATE TRIGGER transfer_moves AFTER INSERT ON transfer BEGIN
        UPDATE account SET
          dr_pend = dr_pend + iif(NEW.kind = 'pending', NEW.amount, -coalesce(NEW.held, 0)),
          dr_post = dr_post + iif(NEW.kind = 'single' OR NEW.kind = 'post', NEW.amount, 0),
          moved_seq = NEW.seq, moved_leg = NEW.leg
        WHERE id = NEW.dr;
        UPDATE account SET
          cr_pend = cr_pend + iif(NEW.kind = 'pending', NEW.amount, -coalesce(NEW.held, 0)),
          cr_post = cr_post + iif(NEW.kind = 'single' OR NEW.kind = 'post', NEW.amount, 0),
          moved_seq = NEW.seq, moved_leg = NEW.leg
        WHERE id = NEW.cr;
      END
      """)

  private static let opens = Schema.Item(
    name: "transfer_opens",
    sql: """
      CREATE TRIGGER transfer_opens AFTER INSERT ON transfer WHEN NEW.kind = 'pending' BEGIN
        INSERT INTO reservation(transfer, seq) VALUES (NEW.id, NEW.seq);
      END
      """)

  private static let closes = Schema.Item(
    name: "transfer_closes",
    sql: """
      CREATE TRIGGER transfer_closes AFTER INSERT ON transfer WHEN NEW.pending IS NOT NULL BEGIN
        DELETE FROM reservation WHERE transfer = NEW.pending;
      END
      """)

  /// A balance moves by exactly what a transfer says, once per transfer: the row remembers the
  /// last one, and only a later one that names this account moves it again.
  private static let accountMoves = Schema.Item(
    name: "account_moves",
    sql: """
      CREATE TRIGGER account_moves
      BEFORE UPDATE OF dr_pend, dr_post, cr_pend, cr_post, moved_seq, moved_leg ON account BEGIN
        SELECT RAISE(ABORT, 'account: balances move only with a transfer')
        WHERE (NEW.moved_seq, NEW.moved_leg) <= (OLD.moved_seq, OLD.moved_leg) OR NOT EXISTS (
          SELECT 1 FROM (
            SELECT dr, cr, iif(kind = 'pending', amount, -coalesce(held, 0)) AS pend,
              iif(kind = 'single' OR kind = 'post', amount, 0) AS post
            FROM transfer WHERE seq = NEW.moved_seq AND leg = NEW.moved_leg) AS it
          WHERE (NEW.id = it.dr OR NEW.id = it.cr)
            AND NEW.dr_pend = OLD.dr_pend + iif(NEW.id = it.dr, it.pend, 0)
            AND NEW.dr_post = OLD.dr_post + iif(NEW.id = it.dr, it.post, 0)
            AND NEW.cr_pend = OLD.cr_pend + iif(NEW.id = it.cr, it.pend, 0)
            AND NEW.cr_post = OLD.cr_post + iif(NEW.id = it.cr, it.post, 0));
      END
      """)

  private static let reservationOpened = Schema.Item(
    name: "reservation_opened",
    sql: """
      CREATE TRIGGER reservation_opened BEFORE INSERT ON reservation BEGIN
        SELECT RAISE(ABORT, 'reservation: is opened by a pending transfer')
        WHERE NEW.seq <> (SELECT max(seq) FROM entry) OR NOT EXISTS (
          SELECT 1 FROM transfer
          WHERE id = NEW.transfer AND seq = NEW.seq AND kind = 'pending');
      END
      """)

  private static let reservationEnded = Schema.Item(
    name: "reservation_ended",
    sql: """
      CREATE TRIGGER reservation_ended BEFORE DELETE ON reservation BEGIN
        SELECT RAISE(ABORT, 'reservation: is ended by a post or void')
        WHERE NOT EXISTS (SELECT 1 FROM transfer WHERE pending = OLD.transfer);
      END
      """)
}
