//! Goals through MCP, as an assistant uses them.

use std::time::Duration;

use random_connect::kernel::clock::Timestamp;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::{Value, json};

use crate::support::gateway_socket::{JWT_SECRET, gateway_token};
use crate::support::server::{TestServer, fetch_json, http_client};
use crate::support::temp_database::TempDatabase;

/// Friday, January 15, 2027, 08:00 UTC.
const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A server with goals, and its database.
pub(super) struct GoalsScene {
    pub(super) server: TestServer,
    _database: TempDatabase,
}

impl GoalsScene {
    pub(super) async fn start() -> Self {
        let database = TempDatabase::new();
        let url = format!("sqlite:{}", database.file().display());
        let settings = [
            ("TOOLSETS", "goals"),
            ("JWT_SECRET", JWT_SECRET),
            ("DATABASE_URL", &url),
            ("GOALS_TIMEZONE", "Europe/Berlin"),
        ];
        let server = TestServer::with(&settings, ConnectionLimits::default()).await;
        server.clock.jump_to(START);
        Self { server, _database: database }
    }

    /// Calls a tool as a user, and returns its result.
    async fn call(&self, user: &str, name: &str, arguments: Value) -> Value {
        let params = json!({ "name": name, "arguments": arguments });
        self.rpc(user, "tools/call", params).await["result"].clone()
    }

    /// The answer to a request of a user.
    pub(super) async fn rpc(&self, user: &str, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let token = gateway_token(user, START.shifted(3_600_000));
        let request = http_client().post(format!("{}/mcp", self.server.url)).bearer_auth(token);
        let request = request.header("accept", "application/json, text/event-stream");
        fetch_json(request.json(&body)).await.1
    }

    /// The text of a resource as ann reads it.
    pub(super) async fn read(&self, uri: &str) -> String {
        let answer = self.rpc("ann", "resources/read", json!({ "uri": uri })).await;
        let text = &answer["result"]["contents"][0]["text"];
        text.as_str().unwrap_or_else(|| panic!("{uri}: {answer}")).to_owned()
    }

    /// The structured answer of a call of ann that succeeds.
    pub(super) async fn ok(&self, name: &str, arguments: Value) -> Value {
        let result = self.call("ann", name, arguments).await;
        assert_eq!(result["isError"], false, "{name}: {result}");
        result["structuredContent"].clone()
    }

    /// The error of a call of ann that is refused.
    async fn refused(&self, name: &str, arguments: Value) -> String {
        let result = self.call("ann", name, arguments).await;
        assert_eq!(result["isError"], true, "{name}: {result}");
        result["content"][0]["text"].as_str().expect("a text").to_owned()
    }
}

#[tokio::test]
async fn goals_journey_from_a_goal_to_a_task_that_repeats_and_back() {
    let scene = GoalsScene::start().await;
    let goal = json!({ "title": "Run 10 km", "target_date": "end of june", "priority": "high" });
    let goal = scene.ok("create_goal", goal).await;
    assert_eq!((&goal["target_date"], &goal["rev"]), (&json!("2027-06-30"), &json!(1)));
    assert_eq!(goal["zone"], "Europe/Berlin");
    let task =
        json!({ "title": "Run", "due_date": "every 2nd friday at 9", "goal_id": goal["id"] });
    let task = scene.ok("create_task", task).await;
    // It is 9 o'clock in Berlin, so that the first one is due now.
    assert_eq!(task["due_date"], "2027-01-15T09:00:00+01:00", "{task}");
    assert_eq!(task["repetition"]["next_dates"].as_array().expect("dates").len(), 3);
    let done = json!({ "task_id": task["id"], "spent_minutes": 35, "if_rev": task["rev"] });
    let done = scene.ok("complete_task", done).await;
    assert_eq!(
        (&done["due_date"], &done["status"]),
        (&json!("2027-01-29T09:00:00+01:00"), &json!("todo"))
    );
    let stale = json!({ "task_id": task["id"], "if_rev": task["rev"], "title": "Walk" });
    let error = scene.refused("update_task", stale).await;
    assert!(
        error.contains("revision 3") && error.contains("\"pending\":\"2027-01-29\""),
        "{error}"
    );
    let stats = scene.ok("query_user_stats", json!({})).await;
    let counts = ["active_goals", "pending_tasks", "completed_tasks", "memory_items"]
        .map(|n| stats[n].clone());
    assert_eq!(counts, [json!(1), json!(1), json!(1), json!(0)]);
    let progress = scene.ok("analyze_progress", json!({ "period": "7d" })).await;
    assert_eq!(
        progress["progress_data"][6],
        json!({ "date": "2027-01-15", "tasks_completed": 1, "avg_duration": 35.0 })
    );
    scene.ok("undo", json!({})).await;
    let back = scene.ok("get_task", json!({ "task_id": task["id"] })).await;
    assert_eq!(back["due_date"], "2027-01-15T09:00:00+01:00");
    let list = scene.ok("list_tasks", json!({ "goal_id": goal["id"], "due_date": "today" })).await;
    assert_eq!((&list["total"], &list["items"][0]["id"]), (&json!(1), &task["id"]));
}

#[tokio::test]
async fn goals_words_with_two_meanings_are_an_error_with_both() {
    let scene = GoalsScene::start().await;
    for (phrase, expected) in [("03/04", "2027-03-04"), ("next friday", "2027-01-22")] {
        let error = scene.refused("create_task", json!({ "title": "x", "due_date": phrase })).await;
        assert!(error.contains("ambiguous") && error.contains(expected), "{error}");
    }
    let list = scene.ok("list_tasks", json!({})).await;
    assert_eq!(list["total"], 0, "nothing was created");
}

#[tokio::test]
async fn goals_repeated_call_with_its_request_id_returns_the_first_answer() {
    let scene = GoalsScene::start().await;
    let create = json!({ "title": "Call mother", "request_id": "r1" });
    let first = scene.ok("create_task", create.clone()).await;
    assert_eq!(scene.ok("create_task", create).await["id"], first["id"]);
    let other = json!({ "title": "Call father", "request_id": "r1" });
    assert!(scene.refused("create_task", other).await.contains("request_id"));
    assert_eq!(scene.ok("list_tasks", json!({})).await["total"], 1);
}

#[tokio::test]
async fn goals_memories_are_found_by_their_words_and_only_by_their_owner() {
    let scene = GoalsScene::start().await;
    let old = scene.ok("add_memory", json!({ "content": "Ann's favorite tea is green tea" })).await;
    let new = json!({
        "content": "Ann's favorite tea is black tea", "memory_type": "preference",
        "supersedes": old["id"], "tags": ["drinks"],
    });
    let new = scene.ok("add_memory", new).await;
    let query = json!({ "query": "What is the favorite tea?" });
    let found = scene.ok("search_memory", query.clone()).await;
    let ids: Vec<_> =
        found["memories"].as_array().expect("a list").iter().map(|m| &m["id"]).collect();
    assert_eq!((ids, &found["superseded"]), (vec![&new["id"], &old["id"]], &json!(1)));
    let of_ben = scene.call("ben", "search_memory", query.clone()).await;
    assert_eq!(of_ben["structuredContent"]["memories"], json!([]));
    scene.ok("forget_memory", json!({ "memory_id": new["id"] })).await;
    let found = scene.ok("search_memory", query).await;
    assert_eq!(found["memories"][0]["id"], old["id"]);
    let foreign =
        scene.call("ben", "update_memory", json!({ "memory_id": old["id"], "content": "x" })).await;
    assert_eq!(foreign["isError"], true);
}

#[tokio::test]
async fn goals_user_id_is_the_callers_own_or_an_error() {
    let scene = GoalsScene::start().await;
    for own in ["ann", "me", ""] {
        scene.ok("list_goals", json!({ "user_id": own })).await;
    }
    let result = scene.call("ben", "create_goal", json!({ "user_id": "ann", "title": "x" })).await;
    // The token of the test is that of an administrator only for the gateway.
    assert_eq!(result["isError"], true, "{result}");
    assert_eq!(scene.ok("list_goals", json!({})).await["total"], 0);
}

#[tokio::test]
async fn goals_batch_is_written_as_a_whole_or_not_at_all() {
    let scene = GoalsScene::start().await;
    let bad = json!({ "tasks": [{ "title": "a" }, { "title": "b", "due_date": "someday soon" }] });
    let error = scene.refused("create_tasks", bad).await;
    assert!(error.starts_with("Task 2: "), "{error}");
    let good = json!({ "tasks": [{ "title": "a" }, { "title": "b" }], "dry_run": true });
    assert_eq!(scene.ok("create_tasks", good.clone()).await["change_id"], Value::Null);
    assert_eq!(scene.ok("list_tasks", json!({})).await["total"], 0);
    let mut real = good;
    real["dry_run"] = json!(false);
    let created = scene.ok("create_tasks", real).await;
    let ids: Vec<_> = created["changed"]
        .as_array()
        .expect("tasks")
        .iter()
        .map(|task| task["id"].clone())
        .collect();
    let moved = json!({ "task_ids": ids, "due_date": "tomorrow" });
    let moved = scene.ok("reschedule_tasks", moved).await;
    assert_eq!(moved["changed"][1]["due_date"], "2027-01-16");
    let circle = json!({ "task_id": ids[0], "needs": [ids[1]] });
    scene.ok("link_tasks", circle).await;
    let error = scene.refused("link_tasks", json!({ "task_id": ids[1], "needs": [ids[0]] })).await;
    assert!(error.contains("need itself"), "{error}");
}

#[tokio::test]
async fn goals_errors_name_the_argument_and_the_possible_values() {
    let scene = GoalsScene::start().await;
    for (tool, arguments, expected) in [
        ("list_goals", json!({ "status": "x" }), "todo, in_progress, paused, completed, dropped"),
        ("list_goals", json!({ "cursor": "zzz" }), "cursor: pass the next_cursor"),
        ("get_task", json!({ "task_id": "nope" }), "task_id: an id is a letter"),
        ("get_task", json!({ "task_id": "g06h24zweq13bxn3q" }), "is no task"),
        ("create_task", json!({ "title": "  " }), "title is empty"),
        ("create_task", json!({ "title": "x", "labels": ["a|b"] }), "labels can't have"),
        (
            "create_task",
            json!({ "title": "x", "due_date": "blursday" }),
            "due_date: not understood",
        ),
        (
            "update_user_profile",
            json!({ "timezone": "Mars/Base" }),
            "timezone: there is no such zone",
        ),
        ("analyze_progress", json!({ "period": "9y" }), "period: write for example"),
        ("undo", json!({}), "There is no write to undo."),
        ("undo", json!({ "change_id": 99 }), "There is no write to undo."),
    ] {
        let error = scene.refused(tool, arguments).await;
        assert!(error.contains(expected), "{tool}: {error}");
    }
}

#[tokio::test]
async fn goals_profile_sets_the_zone_of_dates_until_it_is_undone() {
    let scene = GoalsScene::start().await;
    for _ in 0..2 {
        scene.ok("update_user_profile", json!({ "timezone": "Asia/Kolkata" })).await;
        assert_eq!(scene.ok("get_user_profile", json!({})).await["timezone"], "Asia/Kolkata");
        let task = json!({ "title": "Call", "due_date": "tomorrow at 9" });
        let task = scene.ok("create_task", task).await;
        assert_eq!(task["due_date"], "2027-01-16T09:00:00+05:30");
        scene.ok("delete_task", json!({ "task_id": task["id"] })).await;
        for _ in 0..3 {
            scene.ok("undo", json!({})).await;
        }
        assert_eq!(scene.ok("get_user_profile", json!({})).await["timezone"], "Europe/Berlin");
    }
}

#[tokio::test]
async fn goals_list_is_read_page_by_page_with_its_cursor() {
    let scene = GoalsScene::start().await;
    let long = "long ".repeat(1_800);
    let tasks: Vec<_> =
        (0..12).map(|n| json!({ "title": n.to_string(), "description": long })).collect();
    // A call has at most 64 KiB.
    for batch in tasks.chunks(4) {
        scene.server.clock.advance(Duration::from_secs(1));
        let created = scene.ok("create_tasks", json!({ "tasks": batch })).await;
        assert_eq!(
            (&created["changed_count"], created["changed"].as_array().map(Vec::len)),
            (&json!(4), Some(2))
        );
    }
    let (mut titles, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = scene.ok("list_tasks", json!({ "limit": 100, "cursor": cursor })).await;
        assert!(page.to_string().len() < 30_000, "a page is small");
        let items = page["items"].as_array().expect("items").clone();
        titles.extend(items.iter().map(|item| item["title"].as_str().expect("a title").to_owned()));
        cursor = page["next_cursor"].clone();
        assert_eq!((&page["total"], page["truncated"] == true), (&json!(12), !cursor.is_null()));
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(titles, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn goals_overdue_list_has_only_open_tasks_whose_time_has_passed() {
    let scene = GoalsScene::start().await;
    for (title, due) in [
        ("yesterday", json!("2027-01-14")),
        ("earlier today", json!("today at 8:30")),
        ("later today", json!("today at 18:00")),
        ("today", json!("today")),
        ("tomorrow", json!("tomorrow")),
        ("whenever", Value::Null),
    ] {
        scene.ok("create_task", json!({ "title": title, "due_date": due })).await;
    }
    let list = scene.ok("list_tasks", json!({ "overdue": true })).await;
    let items = list["items"].as_array().expect("items");
    let titles: Vec<_> = items.iter().map(|item| item["title"].clone()).collect();
    assert_eq!(
        (titles, &list["total"]),
        (vec![json!("yesterday"), json!("earlier today")], &json!(2))
    );
    scene.ok("complete_task", json!({ "task_id": items[0]["id"] })).await;
    assert_eq!(scene.ok("list_tasks", json!({ "overdue": true })).await["total"], 1);
}
