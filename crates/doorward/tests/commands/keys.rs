//! Signing keys: kinds, import, schedule, leaks.

use serde_json::{Value, json};

use crate::support::Doorward;

const DEFAULT: &str = "Doorward Self-signed Certificate";
/// Made by openssl for this test: `openssl ecparam -name secp521r1 -genkey -noout`.
const P521: &str = "\
-----BEGIN EC PRIVATE KEY-----
MIHcAgEBBEIBHoNmJt33AvLh698kRPrt1MuXn+3Lcd0w/xwhjnNTN6/YSeAQScAs
8DZyly/nvUT8fJyRjlFJflY/TJF+n1ahOpegBwYFK4EEACOhgYkDgYYABAHOWXU9
NIIzigDMHKghoM85DFTihEIwJMFV0y5RuoJsBnmQ9y2P37MrbRQh1lOv6sN+q0SD
Jha0l1houyV+J5NYGQBPSsmqwQnRzpBSgsJvEPYuaT/ca6j4HDtzTK/CjvbbxcY9
CXbUiVnpjjGCz2VavNaMIc4yT6VmRj75HYh1neLpNA==
-----END EC PRIVATE KEY-----
";
/// The same with `openssl genrsa 2048`.
const RSA: &str = "\
-----BEGIN RSA PRIVATE KEY-----
MIIEoQIBAAKCAQEAvOwROB0gakbcQmqOyg1Dwut5NDr1fQsHNighZgYWdiNfsNth
vucyA9US6OIjJ5At4F8IlGJUuEW2UAicARIQGzAbob0C1eB+baE3XZunhLVish4e
s0MsftLyO+znJe3YbVJLm+xGZ6n4da1z3iEexU0zl32dnu4KX9Dl8UvxMy8NdS23
N647wqvefFz0XceHPP4FsyE59hIv7cJ6u+Z5aiLRzPs4+lH7h6uAgpof94tTuc2i
u/OZ/xp5U9js5R6sLttw0oZ5hnlJdxFIJBm3+zZ7AraNFs5j8c14W61VLe3fzXrs
vm1NrYoXT00bVMZ0iuWWuEU8oNWFgaTMzbvRhQIDAQABAoH/F8MzNA7cOBt+ZakB
gAIrHVlNskQenJvGf6Ly9uIziqiB+lZqjpiF5Si0npY5b1oZnlJVwe3PhvekKgaE
zAQTNb6kIYCkp3ViCzTVjr1ruxJIvh6lV4CB5QtwOUyS+Zi902i5s3yeKzicOv3J
YfP7t6IxdKlYKgvG2+AEP1WBNFUYh0X16H94rcAY+UCthncLEe4QcMZh0icR9bEc
/aCEB2GzxG/3kVVnsLm6BBugL0vNNdjcr8fjhLpUE72LxgPxgElx3unRx659jj9o
TqFzLcbPg7bLYGN0/KUca+KNTL5FcEHJ+f6ajRB7a3RsfwixzhECiaasRh0XEydM
dnG9AoGBAPvVHYIctdUs/MelVkOJiyOfMx5xdKbLO7825Khxl6d7DyEzcnV+my4e
s13q4wtNwnvsEksnzH87y+w2/aAKMw4zEZ5n7KyAyq/MRVUv9h5TQO5TFsQxU1XA
KSyPTxtItZ8dDAkKNPJCxlUeKYjof1bwBv27T2AdslEutbomJ0a3AoGBAMAMbudW
7W64ffxptTA1rx/Ck8YZnH6HlIYU+3PR8Cjxe5eQeWJy9p8bm8bVc/dOLrcn+l53
MNcw46Tsm4OaCOYzMzIoJpll31T/j9Hr4r++Alqrc/ymA4jTBILsM4GRx5aymAM9
GLZ7tsZLFOpEESB5yc8EbQgKZkXoDX6mcY2jAoGActztrJ7zwNvYICelhQCDWigO
5N/S2RDxm3GqMbo99cIHUJlqp3SrywltvnSYQluhTWyLm4P3nkDj7kXWwNxmFR/t
9VZpePT1feGp7gUGOSa4Avwa8jmdTQtsvEpRRpyPWpehGa5yH92dIM21HCEPk9O/
HJQGzEw/PRAVC2bDm1kCgYBHVNbkij8KPvBcjo7D50yyiT0F+YFM5eLeonB7JmED
dB4pv3m2fWjo1AJaKfI2yw1C7lBqQe8cHoaPPWrNyKrBhgbf/FXJ6DK5iWrL18eS
3GpXbxNXpfnuGiK01jKTT6hIavFXUpwZO345zK1qDfomi9XPVJ+CuwodsQFCJ2RJ
7QKBgQCLiEzTJvoU/7CNQ+wx9gs/G7UeHS1hkEZe4u9HsD7IWJWA3L9MAn/hloSK
Wrd948x1ECkj3XqaHkKdmNsa33onfYqIj1RV9NzLY2SnmeAuMlb//DfOlmHGu0zq
kBTNvCj7qEOwHII05czbCpNKikWVd77thvzF2OWMybA10Ff+bg==
-----END RSA PRIVATE KEY-----
";

fn import(doorward: &Doorward, name: &str, pem: &str, more: &[&str]) -> Value {
    let file = doorward.directory.path().join("key.pem");
    std::fs::write(&file, pem).unwrap();
    let file = file.display().to_string();
    doorward.json(&[&["key", "import", "--name", name, "--file", &file], more].concat())
}

#[test]
fn every_kind_is_generated_and_shown() {
    let doorward = Doorward::set_up();
    let kinds = [
        ("rsa-2048", "RS256"),
        ("rsa-2048-pss", "PS256"),
        ("ec-p256", "ES256"),
        ("ec-p384", "ES384"),
        ("ec-p521", "ES512"),
        ("ed25519", "EdDSA"),
    ];
    for (kind, signs) in kinds {
        let key = doorward.json(&["key", "generate", "--name", kind, "--algorithm", kind]);
        assert_eq!((&key["algorithm"], &key["signing_alg"]), (&json!(kind), &json!(signs)));
        assert_eq!(doorward.json(&["key", "show", kind]), key);
    }
    let text = doorward.ok(&["key", "show", "ec-p521"]);
    assert!(text.contains("active, ES512, signs from") && !text.contains("PRIVATE"), "{text}");
    doorward.fails(&["key", "generate", "--name", "x", "--algorithm", "rsa-1024"], 2, &["rsa-2048-pss", "ec-p521"]);
    doorward.fails(&["key", "show", "nobody's"], 3, &["doorward key list"]);
}

#[test]
fn keys_of_openssl_are_imported() {
    let doorward = Doorward::set_up();
    assert_eq!(import(&doorward, "P-521", P521, &[])["signing_alg"], "ES512");
    assert_eq!(import(&doorward, "PSS", RSA, &["--pss"])["signing_alg"], "PS256");
    let file = doorward.directory.path().join("key.pem").display().to_string();
    let again = ["key", "import", "--name", "RS", "--file", &file];
    doorward.fails(&again, 1, &["This key is there already"]);
    doorward.ok(&["key", "rm", "PSS", "--yes"]);
    assert_eq!(doorward.json(&again)["signing_alg"], "RS256");
    std::fs::write(&file, P521).unwrap();
    doorward.fails(
        &["key", "import", "--name", "x", "--file", &file, "--pss"],
        1,
        &["nly RSA keys can sign with PS256"],
    );
    doorward.fails(&["key", "import", "--name", "x", "--file", &file, "--pss", "--dry-run"], 1, &["only RSA keys"]);
}

#[test]
fn a_schedule_is_set_shown_and_taken_away() {
    let doorward = Doorward::set_up();
    let shown = || doorward.json(&["key", "show", DEFAULT]);
    assert_eq!((&shown()["rotation_interval"], &shown()["next_rotation"]), (&Value::Null, &Value::Null));
    doorward.ok(&["key", "edit", DEFAULT, "--rotate-every", "days=90", "--dry-run"]);
    assert_eq!(shown()["rotation_interval"], Value::Null);
    assert!(doorward.ok(&["key", "edit", DEFAULT, "--rotate-every", "days=90"]).contains("days=90"));
    assert_eq!(shown()["rotation_interval"], "days=90");
    assert!(shown()["next_rotation"].is_string());
    assert!(doorward.ok(&["key", "show", DEFAULT]).contains("days=90"));
    doorward.fails(&["key", "edit", DEFAULT, "--rotate-every", "hours=1"], 1, &["at least days=1"]);
    doorward.fails(&["key", "edit", DEFAULT, "--rotate-every", "soon"], 2, &["days=30"]);
    doorward.fails(&["key", "edit", DEFAULT], 2, &["--rotate-every"]);
    // A version that waits is the next, whatever the schedule says.
    doorward.ok(&["key", "rotate", DEFAULT]);
    assert_eq!(shown()["next_rotation"], shown()["versions"][1]["activates_at"]);
    doorward.ok(&["key", "edit", DEFAULT, "--rotate-every", "never"]);
    assert_eq!(shown()["rotation_interval"], Value::Null);
}

#[test]
fn a_leaked_key_is_replaced_while_the_server_runs() {
    let doorward = Doorward::set_up();
    let _server = doorward.serve();
    let old = doorward.json(&["key", "show", DEFAULT])["kid"].clone();
    doorward.ok(&["key", "rotate", DEFAULT]);
    doorward.ok(&["key", "rotate", DEFAULT, "--leaked", "--dry-run"]);
    assert_eq!(doorward.json(&["key", "show", DEFAULT])["versions"].as_array().unwrap().len(), 2);
    doorward.fails(&["key", "rotate", DEFAULT, "--leaked", "--now"], 2, &["--now"]);
    let key = doorward.json(&["key", "rotate", DEFAULT, "--leaked"]);
    assert_eq!((key["versions"].as_array().unwrap().len(), &key["versions"][0]["state"]), (1, &json!("active")));
    assert_ne!(key["kid"], old);
}
