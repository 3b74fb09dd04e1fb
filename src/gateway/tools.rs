//! [`GatewayTools`]: the MCP tools of the gateway. Each parses its arguments, makes one call of the service and replies.

use std::sync::Arc;

use async_trait::async_trait;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{CallToolRequestParams, CallToolResponse, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::catalog::price::TokenPrice;
use super::error::GatewayError;
use super::ledger::usage::{UsageFilter, UsageOrder};
use super::money::{MicroCredits, decimal_json};
use super::provider::request::{MessagesHeaders, RequestBody};
use super::provider::write::whole::WholeAnswer;
use super::service::GatewayService;
use super::service::answer::AnswerEvent;
use super::service::request::{AUTO_PROVIDER, GatewayCaller, GatewayRequest};
use crate::kernel::arguments::Arguments;
use crate::kernel::id::IdHasher;
use crate::kernel::permissions::AccessClass;
use crate::kernel::schema::input_schema;
use crate::kernel::toolset::{CallPrincipal, Toolset};

/// The tool that costs credits.
const COMPLETE: &str = "complete";

/// Maximum number of requests in an answer of `usage`.
const USAGE_ROWS: usize = 20;

#[derive(Deserialize, JsonSchema)]
struct CompleteArgs {
    /// The text to answer.
    #[schemars(length(min = 1, max = 60_000))]
    prompt: String,
    /// Instructions for the model.
    #[schemars(length(max = 60_000))]
    system: Option<String>,
    /// A name that `models` lists. The cheapest one if it is omitted.
    #[schemars(length(max = 200))]
    model: Option<String>,
    /// Maximum length of the answer in tokens.
    #[schemars(range(min = 1))]
    max_tokens: Option<u32>,
    /// Randomness of the answer, from 0 to 2.
    #[schemars(range(min = 0.0, max = 2.0))]
    temperature: Option<f64>,
    /// Repeating a call with the same key returns the first answer, and costs nothing.
    #[schemars(length(max = 200))]
    idempotency_key: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct NoGatewayArgs {}

/// The toolset. It stores its router, because rebuilding the router costs more than a call.
pub struct GatewayTools {
    service: Arc<GatewayService>,
    ids: IdHasher,
    router: ToolRouter<Self>,
}

#[tool_router]
impl GatewayTools {
    #[must_use]
    pub fn new(service: Arc<GatewayService>, ids: IdHasher) -> Self {
        Self { service, ids, router: Self::tool_router() }
    }

    async fn caller(
        &self,
        CallPrincipal(principal): CallPrincipal,
    ) -> Result<GatewayCaller, String> {
        let caller = GatewayCaller::of(&principal, &self.ids);
        let caller = caller.ok_or("This token belongs to no user, so it has no credits.")?;
        caller.confirm().await.map_err(|rejected| error_text(&rejected.into()))?;
        Ok(caller)
    }

    #[tool(
        title = "Ask a language model",
        annotations(
            read_only_hint = false, destructive_hint = false,
            idempotent_hint = false, open_world_hint = true
        ),
        description = "Asks a language model and returns its answer, with the tokens and credits that it took. The credits come from your account.",
        input_schema = input_schema::<CompleteArgs>()
    )]
    async fn complete(
        &self,
        Arguments(args): Arguments<CompleteArgs>,
        principal: CallPrincipal,
        cancelled: CancellationToken,
    ) -> Result<String, String> {
        let caller = self.caller(principal).await?;
        let request = self.request(&caller, args)?;
        let started = self.service.start(caller, request);
        let mut reader = started.events.reader(0);
        let _cancel = started.cancel.clone().drop_guard();
        let mut answer = WholeAnswer::default();
        loop {
            let event = tokio::select! {
                () = cancelled.cancelled() => return Err("The call was cancelled.".to_owned()),
                event = reader.next() => event,
            };
            let event = event.map_err(|_| "The answer is too long.".to_owned())?;
            match event.map(|(_, event)| event) {
                Some(AnswerEvent::Frame(frame)) => {
                    frame.events.iter().for_each(|event| answer.add(event));
                }
                Some(AnswerEvent::Done(bill)) => {
                    let fields = json!({
                        "text": answer.text,
                        "model": bill.model,
                        "usage": super::wire::reply::usage(&bill.usage, bill.is_usage_exact),
                        "charged": bill.charged,
                        "balance": bill.balance,
                    });
                    return Ok(decimal_json(&fields));
                }
                Some(AnswerEvent::Failed(failed)) => return Err(error_text(&failed.error)),
                Some(_) => {}
                None => return Err("The answer has no end.".to_owned()),
            }
        }
    }

    fn request(
        &self,
        caller: &GatewayCaller,
        args: CompleteArgs,
    ) -> Result<GatewayRequest, String> {
        let model = if let Some(model) = args.model {
            model
        } else {
            let cheapest = self.service.cheapest_model(caller.role);
            cheapest.ok_or("This server offers no model: its operator has to set a key.")?
        };
        let system = args.system.map(|text| json!({ "role": "system", "content": text }));
        let prompt = json!({ "role": "user", "content": args.prompt });
        let messages: Vec<Value> = system.into_iter().chain([prompt]).collect();
        let mut body = Map::new();
        body.insert("messages".to_owned(), Value::Array(messages));
        if let Some(temperature) = args.temperature {
            body.insert("temperature".to_owned(), json!(temperature));
        }
        Ok(GatewayRequest {
            body: RequestBody::Chat(body),
            headers: MessagesHeaders::default(),
            provider: AUTO_PROVIDER.to_owned(),
            model,
            fallback: Vec::new(),
            stream: false,
            max_output_tokens: args.max_tokens.map(u64::from),
            budget: None,
            idempotency_key: args.idempotency_key,
        })
    }

    #[tool(
        title = "Look at your credits",
        annotations(read_only_hint = true),
        description = "Returns your credits, and how many of them are held for requests in progress.",
        input_schema = input_schema::<NoGatewayArgs>()
    )]
    async fn balance(
        &self,
        Arguments(_): Arguments<NoGatewayArgs>,
        principal: CallPrincipal,
    ) -> Result<String, String> {
        let caller = self.caller(principal).await?;
        let balance = self.service.balance(&caller).await;
        let balance = balance.map_err(|error| error_text(&error))?;
        Ok(decimal_json(&json!({ "balance": balance.balance, "held": balance.held })))
    }

    #[tool(
        title = "List your requests",
        annotations(read_only_hint = true),
        description = "Lists your last requests to language models, with their tokens and credits.",
        input_schema = input_schema::<NoGatewayArgs>()
    )]
    async fn usage(
        &self,
        Arguments(_): Arguments<NoGatewayArgs>,
        principal: CallPrincipal,
    ) -> Result<String, String> {
        let account = Some(self.caller(principal).await?.account);
        let order = UsageOrder::NewestFirst;
        let filter = UsageFilter { account, order, ..UsageFilter::default() };
        let page = self.service.usage(filter, None, USAGE_ROWS).await;
        let page = page.map_err(|error| error_text(&error))?;
        let row = |row: &super::ledger::usage::GatewayUsageRow| {
            let usage = &row.usage;
            json!({
                "at": row.at.to_iso_8601(),
                "model": usage.response_model.as_ref().unwrap_or(&row.model),
                "status": usage.status.name(),
                "usage": super::wire::reply::usage(
                    &usage.tokens,
                    usage.source == super::ledger::usage::UsageSource::Provider,
                ),
                "charged": row.charged,
            })
        };
        let requests: Vec<_> = page.rows.iter().map(row).collect();
        Ok(decimal_json(&json!({ "requests": requests })))
    }

    #[tool(
        title = "List the models",
        annotations(read_only_hint = true),
        description = "Lists the language models with their prices in credits per million tokens.",
        input_schema = input_schema::<NoGatewayArgs>()
    )]
    async fn models(
        &self,
        Arguments(_): Arguments<NoGatewayArgs>,
        principal: CallPrincipal,
    ) -> Result<String, String> {
        let caller = self.caller(principal).await?;
        let models: Vec<_> = self
            .service
            .models(caller.role)
            .map(|model| {
                let prices = model.price.base();
                json!({
                    "model": model.name,
                    "provider": model.provider,
                    "input": credits(prices.input),
                    "output": credits(prices.output),
                    "maxInputTokens": model.max_input_tokens,
                    "maxOutputTokens": model.max_output_tokens,
                })
            })
            .collect();
        Ok(decimal_json(&json!({ "models": models })))
    }
}

/// The credits of a million tokens.
fn credits(price: TokenPrice) -> MicroCredits {
    MicroCredits::from_micros(price.as_picos())
}

fn error_text(error: &GatewayError) -> String {
    format!("{}: {}", error.code.name(), error.message)
}

#[async_trait]
impl Toolset for GatewayTools {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn instructions(&self) -> &'static str {
        "Ask language models with complete, which costs credits. models lists them with their prices, balance has your credits, and usage your last requests."
    }

    fn tools(&self) -> Vec<Tool> {
        self.router.list_all()
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.router.get(name)
    }

    fn tool_class(&self, tool: &Tool) -> AccessClass {
        if tool.name == COMPLETE { AccessClass::Spend } else { AccessClass::of_tool(tool) }
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.router.call(ToolCallContext::new(self, request, context)).await
    }
}
