//! Dockerfile, fly.toml and the files for Compose: the database is on a volume that the server can write.

use std::fs;
use std::path::Path;

use random_connect::kernel::sql::url::DatabaseUrl;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(path).expect("a file of the project")
}

/// The part of the Dockerfile that makes the image of the server.
fn image() -> String {
    let dockerfile = read("Dockerfile");
    dockerfile.rsplit_once("\nFROM ").expect("a build and an image").1.to_owned()
}

/// The rest of the first line that starts with `start`, without quotes.
fn value<'a>(text: &'a str, start: &str) -> &'a str {
    let rest = text.lines().find_map(|line| line.trim().strip_prefix(start));
    rest.unwrap_or_else(|| panic!("no line starts with {start}")).trim_matches('"')
}

#[test]
fn deploy_image_has_a_folder_that_its_user_can_write() {
    let image = image();
    let (folder, user) = (value(&image, "WORKDIR "), value(&image, "USER "));
    let create = format!("RUN install -d -o {user} -g {user} -m 0700 {folder}\n");
    assert!(folder.starts_with('/') && image.contains(&create), "{image}");
    assert!(image.find(&create) < image.find("\nUSER "), "only root creates it");
}

#[test]
fn deploy_files_put_the_database_on_a_volume() {
    let (image, fly, compose) = (image(), read("fly.toml"), read("docker-compose.single.yml"));
    let folder = value(&image, "WORKDIR ");
    assert_eq!(value(&fly, "destination = "), folder);
    assert_eq!(value(&compose, "- data:"), folder);
    for url in [value(&fly, "DATABASE_URL = "), value(&compose, "DATABASE_URL: ")] {
        let url = DatabaseUrl::parse(url).expect("valid");
        assert_eq!(url.file().and_then(Path::parent), Some(Path::new(folder)));
    }
}
