//! The ledger: its root can be computed anew by anyone, and nothing in it can be changed unnoticed.

use std::{fs, path::Path};

use kept_keeper::{Act, Actor, Deed, KeeperError};
use kept_ledger::{
    Frontier, Hash,
    proof::verify_inclusion,
    tile::{self, Short, Tile},
    verify,
};
use kept_store::{Row, params};

use crate::site::{On, Site};

on_every_database! {
    the_edge_is_what_the_leaves_give
    anyone_can_verify_the_published_checkpoint
    lost_damaged_and_foreign_tiles_are_written_anew
    a_changed_removed_added_or_renumbered_leaf_is_found
    a_changed_or_swapped_trail_row_is_found_by_its_reader
    swapped_trail_rows_are_found_by_their_reader
}

async fn tree(site: &Site) -> (Vec<Hash>, Frontier) {
    let leaves = site.rows("SELECT leaf FROM ledger ORDER BY position", &params![]).await;
    let edge = site.rows("SELECT edge FROM ledger_edge", &params![]).await;
    let edge: Vec<u8> = edge[0].get(0).unwrap();
    (leaves.iter().map(|row: &Row| row.get(0).unwrap()).collect(), Frontier::from_bytes(&edge).unwrap())
}

async fn the_edge_is_what_the_leaves_give(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.days(200).await;
    let (leaves, edge) = tree(&site).await;
    assert_eq!(edge.size(), u64::try_from(leaves.len()).unwrap());
    assert_eq!(edge.root(), kept_ledger::root(leaves));
}

async fn anyone_can_verify_the_published_checkpoint(on: On) {
    let site = Site::new(on).await;
    site.member("Anna").await;
    let path = site.folder.path().join("ledger/checkpoint");
    assert!(!path.exists());
    for name in ["Bert", "Cleo"] {
        site.member(name).await;
        site.keeper.prove().await.unwrap();
        let note = fs::read_to_string(&path).unwrap();
        let checkpoint = verify(&note, &site.keeper.verifier_key()).unwrap();
        let (_, edge) = tree(&site).await;
        assert_eq!((checkpoint.size, checkpoint.root), (edge.size(), edge.root()));
        assert_eq!(checkpoint.origin.as_str(), "walkers.example.test/kept");
        assert!(verify(&note.replacen('\n', "\n1", 1), &site.keeper.verifier_key()).is_err());
    }
    assert_eq!(site.count("SELECT COUNT(*) FROM checkpoints", &params![]).await, 2);
    the_tiles_give_the_checkpoint(&site).await;
    // The same ledger gives the same checkpoint.
    let note = fs::read_to_string(&path).unwrap();
    site.keeper.prove().await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), note);
    assert_eq!(site.count("SELECT COUNT(*) FROM checkpoints", &params![]).await, 2);
}

/// The folder is a log as outside tools read it: each leaf is proven by its files alone.
async fn the_tiles_give_the_checkpoint(site: &Site) {
    let folder = site.folder.path().join("ledger");
    let note = fs::read_to_string(folder.join("checkpoint")).unwrap();
    let checkpoint = verify(&note, &site.keeper.verifier_key()).unwrap();
    let read =
        |tile: Tile| Ok::<_, Short>(fs::read(folder.join(tile.path())).unwrap().as_chunks().0.to_vec());
    for (position, leaf) in (0..).zip(tree(site).await.0.iter().take(checkpoint.size.try_into().unwrap())) {
        let path = tile::inclusion(checkpoint.size, position, read).unwrap().unwrap();
        assert!(verify_inclusion(leaf, position, checkpoint.size, &path, &checkpoint.root));
    }
}

async fn lost_damaged_and_foreign_tiles_are_written_anew(on: On) {
    let site = Site::new(on).await;
    site.member("Anna").await;
    site.keeper.prove().await.unwrap();
    let folder = site.folder.path().join("ledger");
    let only = || fs::read_dir(folder.join("tile/0/000.p")).unwrap().next().unwrap().unwrap().path();
    let faults: [fn(&Path); 3] = [
        |tile| fs::remove_file(tile).unwrap(),
        |tile| fs::write(tile, b"cut").unwrap(),
        |tile| fs::write(tile, vec![7; fs::metadata(tile).unwrap().len() as usize]).unwrap(),
    ];
    for (name, fault) in ["Bert", "Cleo", "Dora"].into_iter().zip(faults) {
        fs::remove_dir_all(folder.join("tile")).unwrap();
        fs::remove_file(folder.join("checkpoint")).unwrap();
        site.keeper.prove().await.unwrap();
        fault(&only());
        site.member(name).await;
        site.keeper.prove().await.unwrap();
        the_tiles_give_the_checkpoint(&site).await;
    }
    // Past a full tile its parts are gone.
    for _ in 0..3 {
        let many =
            |act: &mut Act<'_, '_>| (0..90).try_for_each(|_| act.note_site(Deed::Site, "test").map(drop));
        site.act(Actor::System, many).await.unwrap();
        site.keeper.prove_new().await.unwrap();
    }
    the_tiles_give_the_checkpoint(&site).await;
    assert!(folder.join("tile/0/000").exists());
    assert!(!folder.join("tile/0/000.p").exists());
}

async fn a_changed_removed_added_or_renumbered_leaf_is_found(on: On) {
    let site = Site::new(on).await;
    site.member("Anna").await;
    site.keeper.prove().await.unwrap();
    for (damage, repair) in [
        (
            "UPDATE ledger SET leaf = (SELECT leaf FROM ledger o WHERE o.position = 1) WHERE position = 2",
            None,
        ),
        ("DELETE FROM ledger WHERE position = 2", None),
        ("DELETE FROM ledger WHERE position = (SELECT MAX(position) FROM ledger)", None),
        (
            "INSERT INTO ledger (position, leaf) SELECT position + 1, leaf FROM ledger \
             ORDER BY position DESC LIMIT 1",
            Some("DELETE FROM ledger WHERE position = (SELECT MAX(position) FROM ledger)"),
        ),
        ("UPDATE ledger SET position = 1000 WHERE position = (SELECT MAX(position) FROM ledger)", None),
    ] {
        site.plant("CREATE TABLE saved AS SELECT * FROM ledger", &params![]).await;
        assert_eq!(site.plant(damage, &params![]).await, 1);
        assert!(matches!(site.keeper.prove().await, Err(KeeperError::Ledger)), "{damage}");
        if let Some(repair) = repair {
            site.plant(repair, &params![]).await;
        }
        site.plant("DELETE FROM ledger", &params![]).await;
        site.plant("INSERT INTO ledger (position, leaf) SELECT position, leaf FROM saved", &params![]).await;
        site.plant("DROP TABLE saved", &params![]).await;
        site.keeper.prove().await.unwrap();
    }
}

async fn a_changed_or_swapped_trail_row_is_found_by_its_reader(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    for damage in [
        "UPDATE trail SET sealed = (SELECT wrapped FROM keys WHERE keys.subject = trail.subject AND kind = 'kept:Trail') WHERE subject = $1",
        "UPDATE trail SET position = position + 1000 WHERE subject = $1",
    ] {
        site.plant(damage, &params![anna.as_bytes()]).await;
        let read = site.look(Actor::Person(anna), |look| look.trail(10)).await;
        if damage.contains("position") {
            // Rows that fit no leaf are not shown as if they did.
            assert!(read.is_ok_and(|entries| entries.is_empty()));
        } else {
            assert!(matches!(read, Err(KeeperError::Sealed { .. })));
        }
    }
}

async fn swapped_trail_rows_are_found_by_their_reader(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let swap = "UPDATE trail SET sealed = (SELECT sealed FROM trail o WHERE o.subject = trail.subject \
                AND o.position <> trail.position LIMIT 1) WHERE subject = $1";
    assert!(site.plant(swap, &params![anna.as_bytes()]).await >= 2);
    let read = site.look(Actor::Person(anna), |look| look.trail(10)).await;
    assert!(matches!(read, Err(KeeperError::Ledger)));
}
