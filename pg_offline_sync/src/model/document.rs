//! JSON arguments that Rust may not be able to hold.

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, JsonB, direct_function_call, pg_sys};
use serde_json::Value;

use crate::model::error::report;

/// A `jsonb` argument as its text: what Postgres holds, such as `1e400`, Rust need not, and [`JsonB`] would panic.
pub struct Document(String);

impl Document {
    /// The value.
    pub fn value(&self) -> Result<Value, ErrorReport> {
        serde_json::from_str(&self.0).map_err(|error| {
            let hint =
                "numbers have 64 bits, and nothing is nested more than a hundred levels deep";
            report("22023", format!("cannot read the JSON: {error}"), hint)
        })
    }
}

impl FromDatum for Document {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the datum is a jsonb, and jsonb_out answers a string with an end that is not null.
        unsafe {
            let text = direct_function_call::<&core::ffi::CStr>(pg_sys::jsonb_out, &[Some(datum)])?;
            let copy = text.to_string_lossy().into_owned();
            pg_sys::pfree(text.as_ptr().cast_mut().cast());
            Some(Self(copy))
        }
    }
}

// SAFETY: the argument is a jsonb, as the type says below.
unsafe impl<'fcx> ArgAbi<'fcx> for Document {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: functions that take a document are strict.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| Self(String::new()))
    }
}

// SAFETY: SQL sees a jsonb.
unsafe impl SqlTranslatable for Document {
    const TYPE_IDENT: &'static str = JsonB::TYPE_IDENT;
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = JsonB::ARGUMENT_SQL;
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = JsonB::RETURN_SQL;
}
