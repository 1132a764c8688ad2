-- Makes the sample tables synced tables. Run after every installation of the extension;
-- repeating it changes nothing.

select offline.enable_sync('public.team', $options$
    {
        "scope": "id",
        "scope_kind": "team",
        "members": "select team_id::text from public.team_member where user_id = auth.uid()"
    }
$options$);

select offline.enable_sync('public.team_member', $options$
    {
        "scope": "team_id",
        "members": "select team_id::text from public.team_member where user_id = auth.uid()"
    }
$options$);

select offline.enable_sync('public.note', $options$
    {
        "scope": "team_id",
        "members": "select team_id::text from public.team_member where user_id = auth.uid()",
        "policy": {
            "default": "last_write_wins",
            "on_delete": "update_wins",
            "columns": { "likes": "counter", "status": "server_wins", "grade": "manual" }
        }
    }
$options$);

select offline.enable_sync('public.team_task', $options$
    {
        "scope": "team_id",
        "members": "select team_id::text from public.team_member where user_id = auth.uid()",
        "policy": { "default": "last_write_wins" }
    }
$options$);

select offline.enable_sync('public.quiz_answer', $options$
    {
        "scope": "user_id",
        "policy": {
            "default": "last_write_wins",
            "columns": { "choice": "client_wins", "score": "max", "answered_at": "min" }
        }
    }
$options$);

select offline.enable_sync('public.lesson_progress', $options$
    {
        "scope": "user_id",
        "policy": {
            "default": "last_write_wins",
            "columns": { "percent": "max", "seconds": "counter", "updated_at": "max" }
        }
    }
$options$);

select offline.enable_sync('public.setting', $options$
    { "scope": "user_id", "policy": { "default": "client_wins" } }
$options$);

select offline.enable_sync('public.public_article', $options$
    {
        "scope": "'public'",
        "members": "select 'public'",
        "policy": { "default": "server_wins" }
    }
$options$);
