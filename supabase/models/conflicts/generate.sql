-- A history of conflicts that people settled, as offline_data.conflict_resolution_log keeps them. Everyone has habits: some keep what is
-- longer, some what is newer, some the higher grade, some their own, some write the two together. What someone does with a conflict is
-- drawn from probabilities that follow from the habits and from the two sides; they stand in model_sample.truth.
-- Columns of which people decide: those of the policy manual, and those whose own function gave up (its name is the policy then).
-- Needs generate.sql, the extension, and public.note as a synced table.

create function model_sample.people_with_habits()
returns table (ord int, person text, own double precision, longer double precision, newer double precision, higher double precision,
    together double precision, trusts_merge double precision)
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    values
    (1, 'anna', 2.6, 0.4, 0.0, 0.5, -2.5, 0.0),
    (2, 'bilal', -2.2, 0.3, 0.6, 0.4, -2.0, 0.5),
    (3, 'chiara', 0.0, 3.4, 0.2, 0.4, -1.0, 1.2),
    (4, 'david', 0.2, 0.2, 3.2, 0.3, -2.2, 0.0),
    (5, 'emine', 0.1, 0.5, 0.3, 3.2, -0.8, 1.5),
    (6, 'fatou', 0.0, 0.6, 0.4, 1.2, 1.2, 2.0),
    (7, 'goran', 1.4, 1.6, 0.0, -2.4, -1.8, 0.6),
    (8, 'hana', -0.6, 0.8, 1.6, 0.6, 0.2, 1.0)
$$;

comment on function model_sample.people_with_habits() is
    'Habits: for one''s own side, for the longer text, for the newer write, for the higher number, for writing both together, and how '
    'much more so where both sides added little.';

-- Words one after the other, the same for the same arguments.
create function model_sample.words(p_seed bigint, p_purpose text, p_number bigint, p_count int)
returns text
language sql immutable parallel safe strict
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(string_agg(model_sample.choice(p_seed, p_purpose || n, p_number,
        '{lesson,plan,draft,chapter,team,goal,review,summer,market,answer,method,result,idea,note,list,task}'), ' ' order by n), '')
    from generate_series(1, p_count) n
$$;

create function model_sample.generate_conflicts(p_seed bigint, p_conflicts int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    with target as materialized (
        select s.table_id, coalesce((select max(h.version) from offline_data.row_history h), 0) as last_version
        from offline_data.synced_table s where s.relation = 'public.note'::regclass),
    kind (column_name, policy, is_number, base_words, added_mine, added_theirs) as (
        values ('title', 'manual', false, 4, 2, 2), ('body', 'public.merge_body', false, 25, 9, 9), ('grade', 'manual', true, 0, 0, 0),
            ('status', 'manual', false, 0, 1, 1)),
    conflict as materialized (
        select i, model_sample.id(p_seed, 'conflict', i) as conflict_id, h.*, k.*,
            1 + floor(-k.added_mine * ln(1 - model_sample.uniform(p_seed, 'words of mine', i)))::int as words_mine,
            1 + floor(-k.added_theirs * ln(1 - model_sample.uniform(p_seed, 'words of theirs', i)))::int as words_theirs,
            1 + floor(10 * model_sample.uniform(p_seed, 'number base', i))::int as base_number,
            1 + floor(20 * model_sample.uniform(p_seed, 'number mine', i))::int as mine_number,
            1 + floor(20 * model_sample.uniform(p_seed, 'number theirs', i))::int as theirs_number,
            (7200 * model_sample.normal(p_seed, 'clock', i))::int as clock_seconds,
            timestamptz '2026-05-01 00:00:00+00' + interval '1 minute' * i as created_at
        from generate_series(1, p_conflicts) i
        join model_sample.people_with_habits() h on h.ord = 1 + floor(8 * model_sample.uniform(p_seed, 'who', i))::int
        join kind k on k.column_name = model_sample.choice(p_seed, 'column', i, '{title,body,body,grade,grade,status}')),
    sides as materialized (
        select c.*,
            case when c.is_number then to_json(c.base_number) else to_json(b.base) end as base_value,
            case when c.is_number then to_json(c.mine_number)
                when c.base_words = 0 then to_json(model_sample.choice(p_seed, 'state mine', c.i, '{draft,review,done}'))
                else to_json(b.base || ' ' || model_sample.words(p_seed, 'mine', c.i, c.words_mine)) end as mine_value,
            case when c.is_number then to_json(c.theirs_number)
                when c.base_words = 0 then to_json(model_sample.choice(p_seed, 'state theirs', c.i, '{open,waiting,archived}'))
                else to_json(b.base || ' ' || model_sample.words(p_seed, 'theirs', c.i, c.words_theirs)) end as theirs_value
        from conflict c,
            lateral (select case when c.base_words = 0 then 'new' else model_sample.words(p_seed, 'base', c.i, c.base_words) end as base) b),
    drawn as materialized (
        select s.*, d.label, d.best, d.probabilities
        from sides s,
            model_sample.draw(
                '{mine,theirs,merged}',
                array[
                    s.own
                    + case when s.is_number then s.higher * sign(s.mine_number - s.theirs_number)
                        else s.longer * ln((length(s.mine_value #>> '{}') + 2.0) / (length(s.theirs_value #>> '{}') + 2.0))
                            * case s.column_name when 'body' then 2.5 when 'title' then 1.5 else 0.5 end end
                    + s.newer * case when s.clock_seconds > 0 then 1 else -1 end,
                    0,
                    case when s.is_number or s.column_name = 'status' then -6
                        else s.together + s.trusts_merge * case when s.words_mine + s.words_theirs <= 8 then 1 else -1 end
                            + case s.column_name when 'body' then 1.0 else -0.5 end end
                ]::double precision[],
                model_sample.uniform(p_seed, 'resolution', s.i)) d),
    history as (
        insert into offline_data.row_history (table_id, row_key, version, change_xid, changed_at, op, hlc, user_id)
        select t.table_id, format('["%s"]', model_sample.id(p_seed, 'note', d.i)), t.last_version + d.i, '1', d.created_at, 'u',
            ((extract(epoch from d.created_at) - d.clock_seconds) * 1000)::bigint << 16, 'somebody'
        from drawn d, target t),
    log as (
        insert into offline_data.conflict_resolution_log (conflict_id, column_name, table_id, row_key, user_id, device_id, device_seq, version,
            base, mine, theirs, policy, outcome, status, resolution, resolved_by, resolved_at, created_at, kind, mine_hlc)
        select d.conflict_id, d.column_name, t.table_id, format('["%s"]', model_sample.id(p_seed, 'note', d.i)), d.person,
            model_sample.id(p_seed, 'device of ' || d.person, 1), d.i, t.last_version + d.i, d.base_value, d.mine_value, d.theirs_value, d.policy,
            'manual', 'resolved', d.label, d.person, d.created_at + interval '5 minutes', d.created_at, 'edit',
            (extract(epoch from d.created_at) * 1000)::bigint << 16
        from drawn d, target t)
    insert into model_sample.truth (model, key, best, probabilities)
    select 'conflict_resolution', d.conflict_id || ' ' || d.column_name, d.best, d.probabilities from drawn d
$$;

comment on function model_sample.generate_conflicts(bigint, int) is
    'Conflicts of columns of public.note that the people of people_with_habits settled, one column each.';
