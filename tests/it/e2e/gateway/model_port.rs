//! The language model of the other toolsets, by a toolset that asks it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use random_connect::app::toolsets::TOOLSETS;
use random_connect::kernel::arguments::Arguments;
use random_connect::kernel::model::{
    LanguageModel, ModelMessage, ModelRequest, ModelRole, ModelSampling,
};
use random_connect::kernel::schema::input_schema;
use random_connect::kernel::settings::SettingsReader;
use random_connect::kernel::toolset::Toolset;
use random_connect::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use random_connect::kernel::toolset::row::{BuiltToolset, ToolsetPlan, ToolsetRow};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{CallToolRequestParams, CallToolResponse, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::gateway_socket::GatewayScene;
use crate::support::provider_stand_in::{AnswerScript, StandInFault};
use crate::support::server::fetch_json;

const ASKER: ToolsetRow = ToolsetRow {
    name: "asker",
    docs: "docs/toolsets.md",
    settings: &[],
    quotas: &[],
    migrations: None,
    read: |_: &mut SettingsReader<'_>| Arc::new(AskerPlan),
};

#[derive(Debug)]
struct AskerPlan;

impl ToolsetPlan for AskerPlan {
    fn build(&self, parts: &ToolsetParts) -> Result<BuiltToolset, ToolsetError> {
        let model = parts.service::<Arc<dyn LanguageModel>>().ok().cloned();
        Ok(BuiltToolset::new(Arc::new(Asker { model, router: Asker::tool_router() })))
    }
}

struct Asker {
    model: Option<Arc<dyn LanguageModel>>,
    router: ToolRouter<Self>,
}

#[derive(Deserialize, JsonSchema)]
struct AskArgs {
    time_limit_ms: u64,
    model: Option<String>,
}

#[tool_router]
impl Asker {
    #[tool(
        annotations(read_only_hint = false, destructive_hint = false),
        description = "Asks the language model.",
        input_schema = input_schema::<AskArgs>()
    )]
    async fn ask_model(&self, Arguments(args): Arguments<AskArgs>) -> Result<String, String> {
        let model = self.model.as_ref().ok_or("no model")?;
        let message = |role, text: &str| ModelMessage { role, text: text.to_owned() };
        let messages =
            vec![message(ModelRole::System, "Be brief."), message(ModelRole::User, "Praise me.")];
        let request = ModelRequest {
            model: args.model,
            messages,
            max_output_tokens: 50,
            time_limit: Duration::from_millis(args.time_limit_ms),
            sampling: ModelSampling {
                temperature: Some(0.5),
                top_p: None,
                stop: vec!["END".into()],
            },
        };
        let answer = model.stream(request).answer().await.map_err(|error| error.to_string())?;
        let output = answer.usage.output_tokens.unwrap_or_default();
        Ok(format!("{}|{}|{output}|{:?}", answer.model, answer.text, answer.finish))
    }
}

#[async_trait]
impl Toolset for Asker {
    fn name(&self) -> &'static str {
        "asker"
    }

    fn instructions(&self) -> &'static str {
        ""
    }

    fn tools(&self) -> Vec<Tool> {
        self.router.list_all()
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.router.get(name)
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.router.call(ToolCallContext::new(self, request, context)).await
    }
}

async fn scene(variables: &[(&str, &str)]) -> GatewayScene {
    let settings = [&[("TOOLSETS", "gateway,asker")], variables].concat();
    let mut scene = GatewayScene::with_table(&settings, &[TOOLSETS, &[ASKER]].concat()).await;
    scene.server.token = scene.token("ann");
    scene
}

async fn ask(scene: &GatewayScene, arguments: Value) -> String {
    let call = json!({ "name": "ask_model", "arguments": arguments });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call });
    let (_, answer) = fetch_json(scene.server.post("/mcp").body(body.to_string())).await;
    let text = answer["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

const PAYER: [(&str, &str); 2] =
    [("GATEWAY_MODEL_ACCOUNT", "bank"), ("GATEWAY_MODEL", "gpt-6-luna")];

#[tokio::test]
async fn gateway_model_answers_other_toolsets_at_the_cost_of_the_named_account() {
    let scene = scene(&PAYER).await;
    let answer = ask(&scene, json!({ "time_limit_ms": 60_000 })).await;
    let (model, rest) = answer.split_once('|').expect("a model");
    assert!(model.starts_with("gpt-6-luna"), "{answer}");
    assert!(rest.starts_with("Hello, world.|") && rest.ends_with("|Some(Stop)"), "{answer}");
    let [asked] = &scene.openai.state.requests()[..] else { panic!("one request") };
    let sent = &asked.body;
    assert_eq!((&sent["temperature"], &sent["stop"]), (&json!(0.5), &json!(["END"])));
    assert_eq!(sent["messages"][0], json!({ "role": "system", "content": "Be brief." }));
    let mut bank = scene.socket("bank").await;
    let (balance, held) = bank.credits().await;
    assert!(balance < 1_000_000 && held == 0, "{balance}");
}

#[tokio::test]
async fn gateway_model_fails_with_the_kind_of_the_error() {
    let scene = scene(&[&PAYER[..], &[("GATEWAY_START_CREDITS", "0")]].concat()).await;
    let text = ask(&scene, json!({ "time_limit_ms": 60_000 })).await;
    assert!(text.contains("needs attention"), "no credit: {text}");
    let unknown = ask(&scene, json!({ "time_limit_ms": 60_000, "model": "gpt-0" })).await;
    assert!(unknown.contains("does not exist"), "{unknown}");
    assert!(scene.openai.state.requests().is_empty());
}

#[tokio::test]
async fn gateway_model_request_ends_with_its_time_limit() {
    let scene = scene(&PAYER).await;
    scene.openai.state.add(AnswerScript::with(StandInFault::StallAfter(1)));
    let text = ask(&scene, json!({ "time_limit_ms": 500 })).await;
    assert!(text.contains("did not answer in time"), "{text}");
    let mut bank = scene.socket("bank").await;
    let settled = async {
        while bank.credits().await.1 != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), settled).await.expect("the hold ends");
}

#[tokio::test]
async fn gateway_model_is_absent_without_an_account_that_pays() {
    let scene = scene(&[]).await;
    assert_eq!(ask(&scene, json!({ "time_limit_ms": 1_000 })).await, "no model");
}
