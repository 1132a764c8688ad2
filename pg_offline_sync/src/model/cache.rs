//! Models of this backend: parsed artefacts by their hash, and which version of a model the running statement sees.

use std::cell::RefCell;
use std::rc::Rc;

use offline_sync_model::Artifact;
use pgrx::pg_sys::panic::ErrorReport;

use super::error::OrRaise;
use super::lookup;
use super::visibility::Visibility;
use crate::settings;

/// Names whose version is remembered; more than a statement uses.
const SEEN_MAX: usize = 16;

/// A model that is ready to score.
pub struct Ready {
    /// The version that it is.
    pub version: i32,
    /// The model.
    pub artifact: Artifact,
    sha256: String,
    bytes: usize,
}

/// What the running statement sees under a name.
struct Seen {
    name: String,
    visibility: Visibility,
    ready: Rc<Ready>,
}

#[derive(Default)]
struct Cache {
    /// Most recently used last.
    artifacts: Vec<Rc<Ready>>,
    seen: Vec<Seen>,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// The version of a model that serves, as the running statement sees it.
///
/// # Errors
/// `42704` where there is none that the caller may use; whatever is wrong with its artefact.
pub fn serving(name: &str) -> Result<Rc<Ready>, ErrorReport> {
    let visibility = Visibility::current();
    let known = CACHE.with_borrow(|cache| {
        let seen = cache.seen.iter().find(|seen| seen.name == name)?;
        (Some(seen.visibility) == visibility).then(|| Rc::clone(&seen.ready))
    });
    if let Some(ready) = known {
        return Ok(ready);
    }
    // The look-up runs SQL, which may come back here: nothing is borrowed meanwhile.
    let found = lookup::find(name)?;
    let ready = match cached(found.version, &found.sha256) {
        Some(ready) => ready,
        None => {
            let bytes = lookup::artifact(name, found.version, &found.sha256)?;
            let ready = Rc::new(Ready {
                version: found.version,
                artifact: Artifact::decode(&bytes).or_raise()?,
                sha256: found.sha256,
                bytes: bytes.len(),
            });
            keep(&ready);
            ready
        }
    };
    if let Some(visibility) = visibility {
        remember(name, visibility, &ready);
    }
    Ok(ready)
}

fn cached(version: i32, sha256: &str) -> Option<Rc<Ready>> {
    CACHE.with_borrow_mut(|cache| {
        let fits = |ready: &Rc<Ready>| ready.version == version && ready.sha256 == sha256;
        let at = cache.artifacts.iter().position(fits)?;
        let ready = cache.artifacts.remove(at);
        cache.artifacts.push(Rc::clone(&ready));
        Some(ready)
    })
}

/// Keeps an artefact; the least recently used ones make room.
fn keep(ready: &Rc<Ready>) {
    let bytes_max = settings::model_cache_bytes();
    CACHE.with_borrow_mut(|cache| {
        cache.artifacts.push(Rc::clone(ready));
        let mut total: usize = cache.artifacts.iter().map(|ready| ready.bytes).sum();
        while total > bytes_max && cache.artifacts.len() > 1 {
            total -= cache.artifacts.remove(0).bytes;
        }
    });
}

fn remember(name: &str, visibility: Visibility, ready: &Rc<Ready>) {
    CACHE.with_borrow_mut(|cache| {
        cache.seen.retain(|seen| seen.name != name);
        if cache.seen.len() >= SEEN_MAX {
            cache.seen.remove(0);
        }
        cache.seen.push(Seen {
            name: name.to_owned(),
            visibility,
            ready: Rc::clone(ready),
        });
    });
}
