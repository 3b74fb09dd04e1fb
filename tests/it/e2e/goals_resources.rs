//! Resources and prompts of goals.

use serde_json::{Value, json};

use super::goals::GoalsScene;

#[tokio::test]
async fn goals_resources_show_each_write_at_once() {
    let scene = GoalsScene::start().await;
    let goal = scene.ok("create_goal", json!({ "title": "Run 10 km" })).await;
    let uri = format!("selfos://goals/{}/context", goal["id"].as_str().expect("an id"));
    for (count, title) in ["Buy shoes", "Run *fast*\n# Header"].into_iter().enumerate() {
        let task = json!({ "title": title, "due_date": "today", "goal_id": goal["id"] });
        scene.ok("create_task", task).await;
        let context: Value = serde_json::from_str(&scene.read(&uri).await).expect("JSON");
        assert_eq!(context["progress"]["tasks"], json!(count + 1), "{context}");
        let tasks = context["tasks"].as_array().expect("tasks");
        assert!(tasks.iter().any(|task| task["title"] == title), "{context}");
    }
    let daily = scene.read("selfos://users/me/daily/2027-01-15").await;
    assert!(daily.starts_with("# Friday, 2027-01-15\n\n## Due\n\n- [ ] "), "{daily}");
    assert!(daily.contains("- [ ] Buy shoes (Friday, 2027-01-15)"), "{daily}");
    assert!(daily.contains("Run \\*fast\\* \\# Header"), "{daily}");
    assert_eq!(scene.read("selfos://users/ann/daily/today").await, daily);
    let list = scene.ok("list_tasks", json!({})).await;
    scene.ok("complete_task", json!({ "task_id": list["items"][0]["id"] })).await;
    let daily = scene.read("selfos://users/me/daily/today").await;
    assert!(daily.contains("## Completed\n\n- [x] "), "{daily}");
    scene.ok("complete_goal", json!({ "goal_id": goal["id"] })).await;
    let profile = scene.read("selfos://users/me/profile").await;
    let profile: Value = serde_json::from_str(&profile).expect("JSON");
    assert_eq!(profile["recent_achievements"][0]["title"], "Run 10 km");
    assert_eq!((&profile["active_goals"], &profile["user"]["id"]), (&json!([]), &json!("ann")));
}

#[tokio::test]
async fn goals_resources_of_others_do_not_exist() {
    let scene = GoalsScene::start().await;
    let goal = scene.ok("create_goal", json!({ "title": "A secret" })).await;
    let goal = format!("selfos://goals/{}/context", goal["id"].as_str().expect("an id"));
    for uri in [goal.as_str(), "selfos://users/ann/profile", "selfos://users/ann/daily/today"] {
        let answer = scene.rpc("ben", "resources/read", json!({ "uri": uri })).await;
        assert!(answer["error"]["message"].is_string(), "{uri}: {answer}");
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
}

#[tokio::test]
async fn goals_prompts_name_the_day_and_quote_the_user() {
    let scene = GoalsScene::start().await;
    let arguments = json!({ "goal_description": "Learn to sail" });
    let params = json!({ "name": "decompose_goal", "arguments": arguments });
    let answer = scene.rpc("ann", "prompts/get", params).await;
    let text = answer["result"]["messages"][0]["content"]["text"].as_str().expect("a text");
    assert!(text.contains("Friday, 2027-01-15") && text.ends_with("> Learn to sail"), "{text}");
    let missing = scene.rpc("ann", "prompts/get", json!({ "name": "decompose_goal" })).await;
    assert!(missing["error"]["message"].as_str().is_some_and(|m| m.contains("goal_description")));
    let listed = scene.rpc("ann", "prompts/list", json!({})).await;
    assert_eq!(listed["result"]["prompts"].as_array().map(Vec::len), Some(5), "{listed}");
}
