/* cast/format/icecast_lines.c: makes lines of settings, and sees that together they are valid. */
#include "cast/format/icecast_lines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/array.h"
#include "cast/format/station.h"
#include "cast/format/url.h"

enum {
    LINE_BYTES_MOST = 198, /* libinih's limit, see station.h */
    SEARCHES_MOST = 20,
};

/* --- sections --------------------------------------------------------------------- */

static bool section_add(struct cast_icecast_lines *lines, char *mount) {
    if (!NEAP_ARRAY_RESERVE(lines->sections, lines->section_room, (uint64_t)lines->section_count + 1))
        return false;
    lines->sections[lines->section_count++] = (struct cast_icecast_section){.mount = mount};
    return true;
}

int cast_icecast_lines_open(struct cast_icecast_lines *lines, struct cast_icecast_file *file) {
    *lines = (struct cast_icecast_lines){.file = file};
    return section_add(lines, NULL) ? NEAP_OK : NEAP_ERROR_MEMORY;
}

void cast_icecast_lines_clear(struct cast_icecast_lines *lines) {
    for (size_t i = 0; i < lines->count; i++)
        free(lines->lines[i].value);
    for (size_t i = 0; i < lines->section_count; i++)
        free(lines->sections[i].mount);
    free(lines->lines);
    free(lines->sections);
}

/* Whether a text comes back whole when it is read from its line. */
static bool is_readable(const char *text) {
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 32 || *at == 127 || (*at == ' ' && (at == text || !at[1] || at[1] == ';')))
            return false;
    return *text != ';';
}

long cast_icecast_section(struct cast_icecast_lines *lines, const char *mount) {
    if (!cast_mount_name_valid(mount) || !is_readable(mount))
        return CAST_ICECAST_NOWHERE;
    for (size_t i = 1; i < lines->section_count; i++)
        if (strcmp(lines->sections[i].mount, mount) == 0)
            return (long)i;
    if (lines->section_count == CAST_ICECAST_SECTIONS_MOST)
        return CAST_ICECAST_NOWHERE;
    char *copy = strdup(mount);
    if (!copy || !section_add(lines, copy)) {
        free(copy);
        lines->file->failed = true;
        return CAST_ICECAST_NOWHERE;
    }
    return (long)lines->section_count - 1;
}

/* --- lines ------------------------------------------------------------------------ */

static uint64_t mount_key_bit(const struct cast_key *key) {
    return cast_key_is_of_mount(key) ? UINT64_C(1) << (key - cast_mount_keys) : 0;
}

/* Why a value cannot be that of a key; NULL if it can. */
static const char *refusal_of(const struct cast_key *key, const char *name, const char *value,
                              struct cast_station_error *error) {
    union cast_value parsed;
    int result = cast_key_parse(key, name, value, &parsed, error);
    if (result == NEAP_OK)
        cast_key_clear(key, &parsed);
    if (result == NEAP_ERROR_FORMAT)
        return error->text;
    if (!is_readable(value))
        return "a value has no white space at its ends, no control character, and no ; behind white space";
    if (strlen(name) + strlen(" = ") + strlen(value) > LINE_BYTES_MOST)
        return "it is too long: a line has at most 198 bytes";
    return NULL;
}

void cast_icecast_line_add(struct cast_icecast_lines *lines, long section, const char *name,
                           const char *value, size_t origin, enum cast_icecast_rank rank) {
    bool of_server = section == CAST_ICECAST_SERVER;
    const struct cast_key *key = cast_key_find(name, of_server);
    /* max-listeners is another key in [server] than in a mount: there, only a default is the latter. */
    if (of_server && rank == CAST_ICECAST_DEFAULT)
        key = cast_key_find(name, false);
    struct cast_station_error error;
    assert(key); /* the rules name no other */
    name = cast_key_name(key, of_server);
    const char *why = refusal_of(key, name, value, &error);
    if (why) {
        if (rank != CAST_ICECAST_RESET)
            cast_icecast_say(lines->file, origin, CAST_ICECAST_REFUSED, why);
        return;
    }
    char *copy = strdup(value);
    if (!copy || !NEAP_ARRAY_RESERVE(lines->lines, lines->room, (uint64_t)lines->count + 1)) {
        free(copy);
        lines->file->failed = true;
        return;
    }
    lines->sections[section].given |= mount_key_bit(key);
    lines->lines[lines->count] = (struct cast_icecast_line){
        .section = section,
        .key = key,
        .name = name,
        .value = copy,
        .origin = origin,
        .rank = rank,
        .sequence = lines->count,
        .kept = true,
    };
    lines->count++;
}

/* --- order ------------------------------------------------------------------------ */

/* Where a key stands in the tables, those of mounts last. */
static size_t key_place(const struct cast_key *key) {
    return cast_key_is_of_mount(key) ? CAST_SERVER_KEYS + (size_t)(key - cast_mount_keys)
                                     : (size_t)(key - cast_server_keys);
}

static int compare(const void *a, const void *b) {
    const struct cast_icecast_line *one = a, *other = b;
    if (one->section != other->section)
        return one->section < other->section ? -1 : 1;
    size_t place = key_place(one->key), other_place = key_place(other->key);
    if (place != other_place)
        return place < other_place ? -1 : 1;
    if (one->rank != other->rank)
        return one->rank < other->rank ? -1 : 1;
    return one->sequence < other->sequence ? -1 : 1;
}

/* Drops lines whose key the line behind them has again. */
static void drop_repeated(struct cast_icecast_lines *lines) {
    for (size_t i = 1; i < lines->count; i++) {
        struct cast_icecast_line *line = &lines->lines[i - 1];
        if (line->section != line[1].section || line->key != line[1].key || line->key->kind == CAST_KEY_LIST)
            continue;
        char why[80];
        snprintf(why, sizeof(why), "line %u says it again, and that counts",
                 lines->file->settings[line[1].origin].line);
        line->kept = false;
        cast_icecast_say(lines->file, line->origin, CAST_ICECAST_REFUSED, why);
    }
}

/* What a further line is verified against comes before it: a queue before its burst, the end of a chain of
 * fallbacks before the fallback of all. */
static void turns_set(struct cast_icecast_lines *lines) {
    const struct cast_key *queue = cast_key_find("queue", false);
    size_t turn = 0;
    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; i < lines->count; i++) {
            struct cast_icecast_line *line = &lines->lines[i];
            int wanted = line->key == queue ? 0 : line->rank == CAST_ICECAST_RESET ? 1 : 2;
            if (wanted == pass)
                line->turn = turn++;
        }
}

/* --- verifying -------------------------------------------------------------------- */

static int verify(const struct cast_icecast_lines *lines, size_t turns, struct cast_station_error *error) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NEAP_ERROR_MEMORY;
    cast_icecast_lines_write(lines, turns, out);
    bool failed = ferror(out);
    failed |= fclose(out) != 0;
    struct cast_station *station = NULL;
    int result = failed ? NEAP_ERROR_MEMORY : cast_station_read(text, bytes, &station, error);
    if (result == NEAP_OK)
        result = cast_station_verify(station, error);
    cast_station_destroy(station);
    free(text);
    return result;
}

static struct cast_icecast_line *line_of_turn(struct cast_icecast_lines *lines, size_t turn) {
    struct cast_icecast_line *line = lines->lines;
    while (line->turn != turn)
        line++;
    return line;
}

static void drop(struct cast_icecast_lines *lines, struct cast_icecast_line *line, const char *why) {
    if (line->kept && line->rank != CAST_ICECAST_RESET)
        cast_icecast_say(lines->file, line->origin, CAST_ICECAST_REFUSED, why);
    line->kept = false;
}

/* Leaves out, from a turn on, the keys of mounts that have to fit together, or all keys. */
static void drop_rest(struct cast_icecast_lines *lines, size_t turn, bool all) {
    static const char *const together[] = {"fallback", "burst", "queue"};
    for (size_t i = 0; i < lines->count; i++) {
        struct cast_icecast_line *line = &lines->lines[i];
        bool doubtful = all;
        for (size_t k = 0; k < sizeof(together) / sizeof(together[0]); k++)
            doubtful |= line->key == cast_key_find(together[k], false);
        if (doubtful && line->turn >= turn)
            drop(lines, line, "too much in this file does not fit together");
    }
}

/* Leaves out lines until the rest is valid: each is found between two turns of which the first is valid and
 * the second is not. That takes long in a large file, so that not many are searched for. */
static int drop_invalid(struct cast_icecast_lines *lines) {
    struct cast_station_error error, why;
    size_t valid = 0; /* the lines whose turn is before this one are valid together */
    for (int result, found = 0; (result = verify(lines, lines->count, &why)) != NEAP_OK; found++) {
        size_t invalid = lines->count;
        if (result != NEAP_ERROR_FORMAT)
            return result;
        if (found >= SEARCHES_MOST) {
            drop_rest(lines, valid, found > SEARCHES_MOST);
            continue;
        }
        while (invalid - valid > 1) {
            size_t middle = valid + (invalid - valid) / 2;
            result = verify(lines, middle, &error);
            if (result != NEAP_OK && result != NEAP_ERROR_FORMAT)
                return result;
            valid = result == NEAP_OK ? middle : valid;
            invalid = result == NEAP_OK ? invalid : middle;
            why = result == NEAP_OK ? why : error;
        }
        assert(invalid > 0); /* sections without a key are valid */
        drop(lines, line_of_turn(lines, invalid - 1), why.text);
        valid = invalid;
    }
    return NEAP_OK;
}

static void say_carried(struct cast_icecast_lines *lines, const struct cast_icecast_line *line) {
    const struct cast_icecast_setting *setting = &lines->file->settings[line->origin];
    const char *mount = lines->sections[line->section].mount, *words = setting->rule->words;
    bool add =
        words && (setting->rule->deed == CAST_ICECAST_CARRY ||
                  (setting->rule->deed == CAST_ICECAST_LISTEN && strncmp(line->value, "0.0.0.0:", 8) == 0));
    char detail[1024], shown[CAST_SHOWN_ROOM], mount_shown[CAST_SHOWN_ROOM] = "";
    cast_station_shown(shown, line->value, strlen(line->value));
    if (mount)
        cast_station_shown(mount_shown, mount, strlen(mount));
    snprintf(detail, sizeof(detail), "%s%s%s%s%s%s%s%s", line->name, setting->rule->secret ? "" : " = ",
             setting->rule->secret ? "" : shown, mount ? " in [mount " : "", mount_shown, mount ? "]" : "",
             add ? "; " : "", add ? words : "");
    cast_icecast_say(lines->file, line->origin, CAST_ICECAST_CARRIED, detail);
}

int cast_icecast_lines_settle(struct cast_icecast_lines *lines) {
    if (lines->count > 0)
        qsort(lines->lines, lines->count, sizeof(*lines->lines), compare);
    drop_repeated(lines);
    turns_set(lines);
    int result = drop_invalid(lines);
    for (size_t i = 0; i < lines->count && result == NEAP_OK; i++)
        if (lines->lines[i].kept && lines->lines[i].rank != CAST_ICECAST_RESET)
            say_carried(lines, &lines->lines[i]);
    return result;
}

/* --- writing ---------------------------------------------------------------------- */

static void line_write(const struct cast_icecast_lines *lines, const struct cast_icecast_line *line,
                       bool continues, FILE *out) {
    const struct cast_icecast_setting *setting = &lines->file->settings[line->origin];
    if (continues) { /* no comment between the lines of a list */
        fprintf(out, "    %s\n", line->value);
        return;
    }
    fprintf(out, "\n# <%s>", cast_icecast_rule_name(setting->rule));
    if (setting->line > 0)
        fprintf(out, ", line %u", setting->line);
    fprintf(out, "%s\n",
            setting->line == 0                 ? ": there is none"
            : line->rank == CAST_ICECAST_RESET ? ", is not for this mount"
                                               : "");
    fprintf(out, "%s =%s%s\n", line->name, *line->value ? " " : "", line->value);
}

void cast_icecast_lines_write(const struct cast_icecast_lines *lines, size_t turns, FILE *out) {
    size_t at = 0;
    for (size_t section = 0; section < lines->section_count; section++) {
        const struct cast_key *before = NULL; /* of the line before, in this section */
        if (section == CAST_ICECAST_SERVER)
            fprintf(out, "\n[server]\n");
        else
            fprintf(out, "\n[mount %s]\n", lines->sections[section].mount);
        for (; at < lines->count && lines->lines[at].section == (long)section; at++) {
            const struct cast_icecast_line *line = &lines->lines[at];
            if (!line->kept || line->turn >= turns)
                continue;
            line_write(lines, line, line->key == before, out);
            before = line->key;
        }
    }
}
