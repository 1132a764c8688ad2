//! pg_offline_sync: the pgrx shell. Converts Postgres values to the pure core and back; decides
//! nothing itself.
//!
//! The functions in [`api`] are the closed list that the SQL calls: the portable tier supplies the
//! same list in PL/pgSQL. The SQL files follow them in the order of their numbers.

// pgrx recognises only ErrorReport itself as the error of a function; it is raised at once.
#![allow(clippy::result_large_err)]

use pgrx::prelude::*;

mod api;
mod error;
mod model;
mod settings;

pgrx::pg_module_magic!(name, version);

/// Helpers of the API; its SQL files follow below.
#[pg_schema]
mod offline_private {}

extension_sql_file!("../../sql/000_schema.sql", requires = [offline_private]);
extension_sql_file!(
    "../../sql/010_identity.sql",
    requires = [
        "000_schema",
        api::server::history_identity,
        api::server::now_ms,
        api::server::now_hlc,
        api::server::now_text,
        api::server::clock_bound_ms,
        api::server::random_bytes,
        api::server::version,
        api::server::tier,
        api::context::context_open,
        api::context::context_rows,
        api::context::context_report,
        api::context::context_missing,
        api::push::plan_push,
        api::push::extract_mutations,
        api::push::slice_json_array,
        api::push::render_results,
        api::push::join_results,
        api::push::conflict_ids,
        api::push::conflict_entries,
        api::merge::decide_run,
        api::merge::check_policy,
        api::merge::decision_needs,
        api::merge::row_diff,
        api::merge::stamp_columns,
        api::pull::parse_pull,
        api::pull::encode_cursor,
        api::pull::render_changes,
        api::model::score,
        api::model::score_artifact,
        api::model::predict,
        api::model::predict_many,
        api::model::summarize,
        api::model::describe_artifact,
        api::model::seal_model,
        api::model::open_model,
        api::model::model_item,
        api::model::nearest_items,
        api::model::vector_of_items,
        api::model::vector_dot,
        api::model::artifact_vectors,
        api::model::text_similarity,
        api::train::category_text,
        api::train::fit_model,
        api::train::update_fit,
        api::train::primary_metric,
        api::train::onnx_of,
        api::train::train_rows_max,
        api::train::model_bytes_max,
        api::train::index_items_min
    ]
);
extension_sql_file!("../../sql/020_shape.sql", requires = ["010_identity"]);
extension_sql_file!("../../sql/030_storage.sql", requires = ["020_shape"]);
extension_sql_file!("../../sql/035_wake.sql", requires = ["030_storage"]);
extension_sql_file!("../../sql/040_drift.sql", requires = ["035_wake"]);
extension_sql_file!("../../sql/045_bootstrap.sql", requires = ["040_drift"]);
extension_sql_file!("../../sql/050_epoch.sql", requires = ["045_bootstrap"]);
extension_sql_file!("../../sql/055_capture.sql", requires = ["050_epoch"]);
extension_sql_file!("../../sql/060_registry.sql", requires = ["055_capture"]);
extension_sql_file!("../../sql/070_device.sql", requires = ["060_registry"]);
extension_sql_file!("../../sql/080_push_apply.sql", requires = ["070_device"]);
extension_sql_file!(
    "../../sql/085_push_merge.sql",
    requires = ["080_push_apply"]
);
extension_sql_file!("../../sql/090_push.sql", requires = ["085_push_merge"]);
extension_sql_file!("../../sql/095_push_batch.sql", requires = ["090_push"]);
extension_sql_file!(
    "../../sql/100_pull_scopes.sql",
    requires = ["095_push_batch"]
);
extension_sql_file!("../../sql/105_pull.sql", requires = ["100_pull_scopes"]);
extension_sql_file!("../../sql/110_conflict.sql", requires = ["105_pull"]);
extension_sql_file!("../../sql/120_model.sql", requires = ["110_conflict"]);
extension_sql_file!("../../sql/122_train.sql", requires = ["120_model"]);
extension_sql_file!("../../sql/124_recommend.sql", requires = ["122_train"]);
extension_sql_file!(
    "../../sql/126_model_travel.sql",
    requires = ["124_recommend"]
);
extension_sql_file!(
    "../../sql/128_conflict_model.sql",
    requires = ["126_model_travel"]
);
extension_sql_file!(
    "../../sql/900_grants.sql",
    requires = ["128_conflict_model"]
);

/// Registers the settings.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    settings::register();
}
