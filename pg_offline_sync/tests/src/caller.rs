//! A user of the API, on a connection as PostgREST makes it.

use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::answers::{PullAnswer, PushAnswer};
use crate::error::PgError;

/// A connection in the role `authenticated` or `anon`, with the claims of a verified token.
pub struct Caller {
    client: Client,
    user: Option<Uuid>,
}

impl Caller {
    pub(crate) async fn signed_in(client: Client, user: Uuid) -> Caller {
        let claims = json!({ "sub": user, "role": "authenticated" });
        assume(&client, "authenticated", &claims).await;
        Caller {
            client,
            user: Some(user),
        }
    }

    pub(crate) async fn anonymous(client: Client) -> Caller {
        assume(&client, "anon", &json!({ "role": "anon" })).await;
        Caller { client, user: None }
    }

    /// The connection, for what a user may do besides calling the API.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The user.
    ///
    /// # Panics
    /// For `anon`.
    pub fn user(&self) -> Uuid {
        self.user.expect("a signed-in user")
    }

    /// Runs statements as the user.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn try_sql(&self, statements: &str) -> Result<(), PgError> {
        Ok(self.client.batch_execute(statements).await?)
    }

    /// Runs statements as the user that must work.
    pub async fn sql(&self, statements: &str) {
        if let Err(error) = self.try_sql(statements).await {
            panic!("{error}\n{statements}");
        }
    }

    /// `offline.register_device`.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn try_register(&self, device: Uuid, info: &Value) -> Result<Value, PgError> {
        let query = "select offline.register_device($1, $2)";
        Ok(self.client.query_one(query, &[&device, info]).await?.get(0))
    }

    /// `offline.register_device` that must work; answers the device id.
    pub async fn register(&self, device: Uuid) -> Uuid {
        self.try_register(device, &json!({})).await.unwrap();
        device
    }

    /// A new device of the user.
    pub async fn new_device(&self) -> Uuid {
        self.register(Uuid::new_v4()).await
    }

    /// `offline.push` with exactly this text; the answer's text.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn push_text(&self, device: Uuid, batch: &str) -> Result<String, PgError> {
        let query = "select offline.push($1, $2)::text";
        Ok(self
            .client
            .query_one(query, &[&device, &batch])
            .await?
            .get(0))
    }

    /// Pushes mutations that the server must take as a batch.
    pub async fn push(&self, device: Uuid, mutations: &Value) -> PushAnswer {
        let batch = json!({ "v": 1, "mutations": mutations }).to_string();
        PushAnswer::parse(&self.push_text(device, &batch).await.unwrap())
    }

    /// Pushes a batch that the server must refuse as a whole.
    pub async fn push_err(&self, device: Uuid, batch: &str) -> PgError {
        match self.push_text(device, batch).await {
            Ok(answer) => panic!("refusal expected for {batch:.500}, got {answer:.500}"),
            Err(error) => error,
        }
    }

    /// `offline.pull`; the answer's text.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn pull_text(&self, device: Uuid, request: &Value) -> Result<String, PgError> {
        let query = "select offline.pull($1, $2)::text";
        Ok(self
            .client
            .query_one(query, &[&device, request])
            .await?
            .get(0))
    }

    /// `offline.pull` that must work.
    pub async fn pull(&self, device: Uuid, request: &Value) -> PullAnswer {
        match self.pull_text(device, request).await {
            Ok(text) => PullAnswer::parse(&text),
            Err(error) => panic!("{error}\n{request}"),
        }
    }

    /// All pages from a cursor on, with the keys of `request` in each.
    pub async fn pull_all(
        &self,
        device: Uuid,
        cursor: Option<&str>,
        request: &Value,
    ) -> Vec<PullAnswer> {
        let mut pages = Vec::new();
        let mut request = request.clone();
        request["cursor"] = json!(cursor);
        loop {
            let page = self.pull(device, &request).await;
            request["cursor"] = json!(page.cursor);
            let more = page.has_more;
            pages.push(page);
            if !more {
                return pages;
            }
        }
    }

    /// `offline.conflicts` that must work.
    pub async fn conflicts(&self, request: &Value) -> Value {
        let query = "select offline.conflicts($1)";
        self.client
            .query_one(query, &[request])
            .await
            .map_err(PgError::from)
            .unwrap()
            .get(0)
    }

    /// `offline.resolve_conflict`.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn resolve(
        &self,
        conflict: Uuid,
        resolution: &str,
        merged: Option<&Value>,
    ) -> Result<Value, PgError> {
        let query = "select offline.resolve_conflict($1, $2, $3)";
        let params: crate::db::Params<'_> = &[&conflict, &resolution, &merged];
        Ok(self.client.query_one(query, params).await?.get(0))
    }

    /// `offline.conflicts` that must be refused.
    pub async fn conflicts_err(&self, request: &Value) -> PgError {
        let query = "select offline.conflicts($1)";
        match self.client.query_one(query, &[request]).await {
            Ok(row) => panic!(
                "refusal expected for {request}, got {}",
                row.get::<_, Value>(0)
            ),
            Err(error) => error.into(),
        }
    }

    /// `offline.resolve_conflicts`.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn resolve_many(&self, resolutions: &Value) -> Result<Value, PgError> {
        let query = "select offline.resolve_conflicts($1)";
        Ok(self.client.query_one(query, &[resolutions]).await?.get(0))
    }
}

async fn assume(client: &Client, role: &str, claims: &Value) {
    client
        .batch_execute(&format!("set role {role}"))
        .await
        .unwrap();
    let query = "select set_config('request.jwt.claims', $1, false)";
    client
        .query_one(query, &[&claims.to_string()])
        .await
        .unwrap();
}
