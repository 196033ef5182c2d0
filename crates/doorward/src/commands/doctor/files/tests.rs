use super::{super::Finding, *};

fn said(report: &Report, finding: Finding) -> Vec<&str> {
    report.0.iter().filter(|line| line.finding == finding).map(|line| line.what.as_str()).collect()
}

#[test]
fn files_of_another_account_are_named_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("master.key");
    fs::write(&key, "").unwrap();
    let me = this_account().unwrap();
    assert_eq!(fs::metadata(&key).unwrap().uid(), me);
    let private = [key.clone(), home.path().join("missing")];

    let mut report = Report::default();
    owners(home.path(), &private, me, &mut report);
    assert_eq!(said(&report, Finding::Well), ["all of it belongs to this account"]);

    let mut report = Report::default();
    owners(home.path(), &private, me + 1, &mut report);
    let bad = said(&report, Finding::Bad);
    assert!(bad.len() == 1 && bad[0].contains(&format!("chown -R {} ", me + 1)), "{bad:?}");

    // Another owner than the folder's: every system has files of root, and folders of others.
    let mut report = Report::default();
    let roots = [PathBuf::from("/proc/version")];
    if me == ROOT {
        std::os::unix::fs::chown(home.path(), Some(1), None).unwrap();
    }
    owners(home.path(), &roots, me, &mut report);
    let owner = if me == ROOT { 1 } else { me };
    let bad = said(&report, Finding::Bad);
    assert!(bad.len() == 1 && bad[0].contains(&format!("chown {owner} /proc/version")), "{bad:?}");
    assert_eq!(said(&report, Finding::Note).len(), usize::from(me == ROOT));
}

#[test]
fn a_link_is_told_with_where_it_leads() {
    let home = tempfile::tempdir().unwrap();
    let (key, link) = (home.path().join("key"), home.path().join("master.key"));
    std::os::unix::fs::symlink(&key, &link).unwrap();
    let mut report = Report::default();
    links(&[link.clone(), home.path().to_owned()], &mut report);
    let bad = said(&report, Finding::Bad);
    assert!(
        bad.len() == 1
            && bad[0].contains(&format!("{} leads to {}, where nothing", link.display(), key.display()))
    );
    fs::write(&key, "").unwrap();
    let mut report = Report::default();
    links(&[link, key], &mut report);
    assert_eq!((report.0.len(), said(&report, Finding::Note).len()), (1, 1));
}

#[test]
fn a_folder_in_which_nothing_can_be_made_is_told() {
    let home = tempfile::tempdir().unwrap();
    let mut report = Report::default();
    assert!(can_write(home.path(), &mut report));
    assert!(report.0.is_empty() && fs::read_dir(home.path()).unwrap().next().is_none());
    // Nobody, root neither.
    assert!(!can_write(Path::new("/proc"), &mut report));
    assert!(said(&report, Finding::Bad)[0].contains("no file can be made in /proc"));
}
