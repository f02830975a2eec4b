/* cast/format/station.c: reads, changes, verifies and explains the settings of a server. */
#include "cast/format/station.h"

#include <assert.h>
#include <string.h>

#include <ini.h>

#include <neap/error.h>

#include "cast/format/station_keys.h"
#include "cast/format/url.h"

static_assert(CAST_SERVER_KEYS <= 64 && CAST_MOUNT_KEYS <= 64, "there is one bit for each key");

/* --- mounts -------------------------------------------------------------- */

/* The index of the first mount whose name is not below `name`. */
static size_t mount_index(const struct cast_station *station, const char *name) {
    size_t low = 0, high = station->mount_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(station->mounts[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool mount_has_section(const struct cast_station *station, const char *name) {
    size_t i = mount_index(station, name);
    return i < station->mount_count && strcmp(station->mounts[i].name, name) == 0;
}

const struct cast_mount_settings *cast_station_mount(const struct cast_station *station, const char *name) {
    return mount_has_section(station, name) ? &station->mounts[mount_index(station, name)]
                                            : &station->defaults;
}

/* Adds a mount that has the defaults, and keeps the mounts in order. NULL if there is no memory. */
static struct cast_mount_settings *mount_add(struct cast_station *station, const char *name) {
    size_t count = station->mount_count, at = mount_index(station, name);
    char *copy = cast_station_copy(name, strlen(name));
    if (!copy)
        return NULL;
    if ((count & (count - 1)) == 0) { /* there is room for the next power of two */
        struct cast_mount_settings *grown =
            cast_station_memory(station->mounts, (count > 0 ? 2 * count : 1) * sizeof(*grown));
        if (!grown) {
            cast_station_memory(copy, 0);
            return NULL;
        }
        station->mounts = grown;
    }
    struct cast_mount_settings *mount = &station->mounts[at];
    memmove(mount + 1, mount, (count - at) * sizeof(*mount));
    *mount = station->defaults;
    mount->name = copy;
    mount->given = 0;
    station->mount_count++;
    return mount;
}

/* --- keys ------------------------------------------------------------------ */

static uint64_t key_bit(const struct cast_key *key) {
    return UINT64_C(1) << (cast_key_is_of_mount(key) ? key - cast_mount_keys : key - cast_server_keys);
}

/* Where a key of [server] is stored. */
static void *key_base(struct cast_station *station, const struct cast_key *key) {
    return cast_key_is_of_mount(key) ? (void *)&station->defaults : (void *)station;
}

/* Puts a value into [server] in place of the one before. Mounts that do not say otherwise have it, too. */
static void server_put(struct cast_station *station, const struct cast_key *key,
                       const union cast_value *value) {
    void *base = key_base(station, key);
    union cast_value before = cast_key_get(key, base);
    cast_key_put(key, base, value);
    if (cast_key_is_of_mount(key)) {
        station->defaults.given |= key_bit(key);
        for (size_t i = 0; i < station->mount_count; i++)
            if (!(station->mounts[i].given & key_bit(key)))
                cast_key_put(key, &station->mounts[i], value);
    }
    cast_key_clear(key, &before);
}

/* `mount` is NULL for [server]. Only the first word is shown: where a = was forgotten, a password follows. */
static int key_refuse(const char *name, const struct cast_mount_settings *mount,
                      struct cast_station_error *error) {
    char word[CAST_SHOWN_ROOM], path[CAST_SHOWN_ROOM] = "";
    const struct cast_key *nearest = cast_key_nearest(name, !mount);
    const char *open = mount ? "mount " : "server";
    cast_station_shown(word, name, strcspn(name, " \t"));
    if (mount)
        cast_station_shown(path, mount->name, strlen(mount->name));
    if (strcmp(word, name) != 0 && cast_key_find(word, !mount))
        return cast_station_refuse(error, "%s: a = has to follow the key", word);
    if (mount && cast_key_find(name, true))
        return cast_station_refuse(error, "%s in [mount %s]: it belongs in [server]", word, path);
    if (!mount && cast_key_find(name, false))
        return cast_station_refuse(error, "%s in [server]: it belongs in a section like [mount /live.mp3]",
                                   word);
    if (nearest)
        return cast_station_refuse(error, "no key %s in [%s%s]: did you mean %s?", word, open, path,
                                   cast_key_name(nearest, !mount));
    return cast_station_refuse(error, "no key %s in [%s%s]", word, open, path);
}

/* --- making ------------------------------------------------------------------ */

struct cast_station *cast_station_new(void) {
    struct cast_station_error error;
    struct cast_station *station = cast_station_memory(NULL, sizeof(*station));
    if (!station)
        return NULL;
    memset(station, 0, sizeof(*station));
    const struct cast_key *key;
    for (size_t i = 0; (key = cast_key_at(i, true)); i++) {
        union cast_value value;
        if (!key->standard)
            continue;
        int result = cast_key_parse(key, key->name, key->standard, &value, &error);
        if (result != NEAP_OK) {
            assert(result == NEAP_ERROR_MEMORY);
            cast_station_destroy(station);
            return NULL;
        }
        server_put(station, key, &value);
    }
    station->defaults.given = 0;
    return station;
}

void cast_station_destroy(struct cast_station *station) {
    if (!station)
        return;
    const struct cast_key *key;
    for (size_t i = 0; i < station->mount_count; i++) {
        struct cast_mount_settings *mount = &station->mounts[i];
        for (size_t k = 0; (key = cast_key_at(k, false)); k++) {
            union cast_value value = cast_key_get(key, mount);
            if (mount->given & key_bit(key)) /* all else is the defaults' */
                cast_key_clear(key, &value);
        }
        cast_station_memory(mount->name, 0);
    }
    cast_station_memory(station->mounts, 0);
    for (size_t k = 0; (key = cast_key_at(k, true)); k++) {
        union cast_value value = cast_key_get(key, key_base(station, key));
        cast_key_clear(key, &value);
    }
    cast_station_memory(station, 0);
}

int cast_station_set(struct cast_station *station, const char *name, const char *text,
                     struct cast_station_error *error) {
    union cast_value value;
    const struct cast_key *key = cast_key_find(name, true);
    error->line = 0;
    if (!key)
        return key_refuse(name, NULL, error);
    int result = cast_key_parse(key, name, text, &value, error);
    if (result == NEAP_OK)
        server_put(station, key, &value);
    return result;
}

/* --- reading ------------------------------------------------------------------ */

/* libinih 55 does not tell the number of a line, splits a line that is too long, cuts the name of a section
 * at 49 bytes, and reads on after an error. So line_next, which hands it the lines, counts them, refuses
 * those that would be misread, reads the sections itself, and ends at the first error. */
struct reading {
    struct cast_station *station;
    struct cast_station_error *error;
    const char *at, *end;
    unsigned line;
    int result;                        /* NEAP_OK as long as nothing is wrong */
    struct cast_mount_settings *mount; /* whose section it is; NULL: [server] */
    bool in_section, server_seen;
    bool owed;                   /* a line was handed over, and its key has not come back */
    bool indented;               /* that line continues the list `last` */
    const struct cast_key *last; /* of the line before with a key, in this section; or NULL */
    uint64_t server_given;       /* a bit for each of cast_server_keys */
};

#define REFUSE(reading, ...) ((reading)->result = cast_station_refuse((reading)->error, __VA_ARGS__))

static const char blanks[] = " \t\v\f\r";

static bool is_blank(char letter) {
    return letter && strchr(blanks, letter);
}

/* Moves the ends of a piece of text over the white space at them. */
static void trim(const char **start, const char **end) {
    while (*start < *end && is_blank(**start))
        (*start)++;
    while (*start < *end && is_blank((*end)[-1]))
        (*end)--;
}

static void mount_open(struct reading *reading, const char *start, const char *end) {
    char name[CAST_MOUNT_BYTES_MOST + 1] = "", shown[CAST_SHOWN_ROOM];
    trim(&start, &end);
    size_t bytes = (size_t)(end - start);
    if (bytes < sizeof(name)) /* else it stays "", which is no name */
        memcpy(name, start, bytes);
    cast_station_shown(shown, start, bytes);
    if (!cast_mount_name_valid(name))
        REFUSE(reading, "[mount %s]: that is no mount: a path like /live.mp3, not one of the server's own",
               shown);
    else if (mount_has_section(reading->station, name))
        REFUSE(reading, "[mount %s] stands twice", shown);
    else if (!(reading->mount = mount_add(reading->station, name)))
        reading->result = NEAP_ERROR_MEMORY;
}

/* Reads a whole line, "[server]". */
static void section_open(struct reading *reading, const char *start, const char *end) {
    static const char server[] = "server", mount[] = "mount";
    char shown[CAST_SHOWN_ROOM];
    if (end[-1] != ']') {
        REFUSE(reading, "a section ends with ], and nothing follows: [server] or [mount /live.mp3]");
        return;
    }
    start++, end--;
    trim(&start, &end);
    size_t bytes = (size_t)(end - start);
    reading->in_section = true;
    reading->last = NULL;
    reading->mount = NULL;
    if (bytes == strlen(server) && memcmp(start, server, bytes) == 0) {
        if (reading->server_seen)
            REFUSE(reading, "[server] stands twice");
        reading->server_seen = true;
    } else if (bytes > strlen(mount) && memcmp(start, mount, strlen(mount)) == 0 &&
               is_blank(start[strlen(mount)]))
        mount_open(reading, start + strlen(mount), end);
    else
        REFUSE(reading, "no section [%s]: there are [server] and [mount /live.mp3]",
               cast_station_shown(shown, start, bytes));
}

/* Adds a further line to a list of [server], the only section whose keys are lists. */
static void list_continue(struct reading *reading, struct cast_list *more) {
    const struct cast_key *key = reading->last;
    assert(!cast_key_is_of_mount(key));
    union cast_value whole = cast_key_get(key, reading->station);
    size_t count = whole.list.count + more->count;
    char **items = more->count > 0 ? cast_station_memory(whole.list.items, count * sizeof(*items)) : NULL;
    if (items) {
        memcpy(items + whole.list.count, more->items, more->count * sizeof(*items));
        whole.list = (struct cast_list){items, count};
        cast_key_put(key, reading->station, &whole);
        more->count = 0; /* the strings have moved */
    } else if (more->count > 0)
        reading->result = NEAP_ERROR_MEMORY;
    cast_key_clear(key, &(union cast_value){.list = *more});
}

static void value_read(struct reading *reading, const struct cast_key *key, const char *text) {
    struct cast_mount_settings *mount = reading->mount;
    struct cast_station *station = reading->station;
    union cast_value value;
    reading->result = cast_key_parse(key, cast_key_name(key, !mount), text, &value, reading->error);
    if (reading->result != NEAP_OK)
        return;
    if (reading->indented)
        list_continue(reading, &value.list);
    else if (!mount)
        server_put(station, key, &value);
    else {
        cast_key_put(key, mount, &value);
        mount->given |= key_bit(key);
    }
    if (!cast_key_is_of_mount(key))
        reading->server_given |= key_bit(key);
}

static void key_read(struct reading *reading, const char *name, const char *text) {
    struct cast_mount_settings *mount = reading->mount;
    const struct cast_key *key = cast_key_find(name, !mount);
    char shown[CAST_SHOWN_ROOM];
    if (!reading->in_section) {
        REFUSE(reading, "a key stands above the first section: begin with [server]");
        return;
    }
    if (!key) {
        reading->result = key_refuse(name, mount, reading->error);
        return;
    }
    uint64_t given = mount                       ? mount->given
                     : cast_key_is_of_mount(key) ? reading->station->defaults.given
                                                 : reading->server_given;
    if (given & key_bit(key))
        REFUSE(reading, "%s stands twice in [%s%s]", name, mount ? "mount " : "server",
               mount ? cast_station_shown(shown, mount->name, strlen(mount->name)) : "");
    else
        value_read(reading, key, text);
    reading->last = key;
}

/* Called by libinih for what it found in the line before. */
static int key_found(void *context, const char *section, const char *name, const char *text) {
    struct reading *reading = context;
    (void)section; /* cut at 49 bytes, and empty since line_next keeps sections for itself */
    if (reading->result != NEAP_OK || !name || !*name || !text)
        return reading->result == NEAP_OK;
    if (reading->indented && strcmp(name, reading->last->name) != 0)
        return true; /* a libinih that knows no continued lines: the line stays owed */
    reading->owed = false;
    if (reading->indented)
        value_read(reading, reading->last, text);
    else
        key_read(reading, name, text);
    return reading->result == NEAP_OK;
}

/* Refuses the last line if libinih made nothing of it. Returns whether all is well. */
static bool line_settled(struct reading *reading) {
    if (reading->result == NEAP_OK && reading->owed)
        REFUSE(reading, "the line is none of: key = value, [section], # comment");
    return reading->result == NEAP_OK;
}

/* Looks at the line from `start` to *end, which moves in front of white space and a comment at its end.
 * Returns whether libinih has to see it. */
static bool line_has_key(struct reading *reading, const char *start, const char **end) {
    const char *text = start;
    if (memchr(start, '\0', (size_t)(*end - start))) {
        REFUSE(reading, "the line has a NUL byte: this is no text file");
        return false;
    }
    trim(&text, end);
    if (text == *end || *text == '#' || *text == ';')
        return false;
    for (const char *at = text; at + 1 < *end; at++)
        if (is_blank(at[0]) && at[1] == ';') /* libinih 55 leaves it in lines that continue others */
            *end = at;
    trim(&text, end);
    reading->indented = text > start;
    if (reading->indented && !(reading->last && reading->last->kind == CAST_KEY_LIST))
        REFUSE(reading, "the line is indented: only a list continues so, and a key begins at the margin");
    else if (*text == '[' && !reading->indented)
        section_open(reading, text, *end);
    else
        return true;
    return false;
}

/* Called by libinih for the next line, as fgets is. What it need not see is an empty line to it. */
static char *line_next(char *line, int room, void *stream) {
    struct reading *reading = stream;
    if (!line_settled(reading) || reading->at == reading->end)
        return NULL;
    const char *start = reading->at, *end = memchr(start, '\n', (size_t)(reading->end - start));
    reading->at = end ? end + 1 : reading->end;
    end = end ? end : reading->end;
    reading->line++;
    reading->owed = line_has_key(reading, start, &end);
    size_t bytes = reading->owed ? (size_t)(end - start) : 0;
    size_t most = room > 2 ? (size_t)room - 2 : 0; /* besides the end of the line and that of the string */
    if (bytes > most)
        REFUSE(reading, "the line has %zu bytes, and %zu are the most", bytes, most);
    if (reading->result != NEAP_OK)
        return NULL;
    memcpy(line, start, bytes);
    strcpy(line + bytes, "\n");
    return line;
}

int cast_station_read(const char *text, size_t bytes, struct cast_station **station,
                      struct cast_station_error *error) {
    static const char mark[] = "\xef\xbb\xbf"; /* what Windows puts in front of UTF-8 */
    struct reading reading = {.station = cast_station_new(), .error = error, .at = text, .end = text + bytes};
    if (!reading.station)
        return NEAP_ERROR_MEMORY;
    if (bytes >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0)
        reading.at += strlen(mark);
    if (ini_parse_stream(line_next, &reading, key_found, &reading) < 0 && reading.result == NEAP_OK)
        reading.result = NEAP_ERROR_MEMORY;
    if (line_settled(&reading)) {
        *station = reading.station;
        return NEAP_OK;
    }
    if (reading.result == NEAP_ERROR_FORMAT)
        error->line = reading.line;
    cast_station_destroy(reading.station);
    return reading.result;
}

/* --- verifying ---------------------------------------------------------------- */

/* Adds a name to "/a.mp3, /b.mp3". What does not fit becomes "...". */
static void chain_add(char *chain, size_t room, const char *name) {
    static const char more[] = ", ...";
    char shown[CAST_SHOWN_ROOM];
    size_t bytes = strlen(chain);
    cast_station_shown(shown, name, strlen(name));
    if (bytes + strlen(", ") + strlen(shown) + sizeof(more) <= room)
        snprintf(chain + bytes, room - bytes, "%s%s", bytes > 0 ? ", " : "", shown);
    else if (bytes < strlen(more) || strcmp(chain + bytes - strlen(more), more) != 0)
        strcpy(chain + bytes, more);
}

/* Refuses a fallback through which the listeners of `name` come back to it. */
static int fallback_verify(const struct cast_station *station, const char *name,
                           struct cast_station_error *error) {
    char chain[CAST_SHOWN_ROOM + 16] = "", shown[CAST_SHOWN_ROOM], heir_shown[CAST_SHOWN_ROOM];
    const char *at = name, *heir = NULL; /* the last that has its fallback from [server] */
    /* Besides mounts with a section, two can be on the way: one without, and the fallback of all such. */
    for (size_t steps = 0; at && steps <= station->mount_count + 2; steps++) {
        chain_add(chain, sizeof(chain), at);
        if (steps > 0 && strcmp(at, name) == 0) {
            cast_station_shown(shown, name, strlen(name));
            if (!heir)
                return cast_station_refuse(error, "mount %s: its fallback leads back to it: %s", shown,
                                           chain);
            cast_station_shown(heir_shown, heir, strlen(heir));
            return cast_station_refuse(error,
                                       "mount %s: its fallback leads back to it: %s; that ends with "
                                       "\"fallback =\" in [mount %s]",
                                       shown, chain, heir_shown);
        }
        const struct cast_mount_settings *mount = cast_station_mount(station, at);
        heir = mount->fallback == station->defaults.fallback ? at : heir;
        at = mount->fallback;
    }
    return NEAP_OK;
}

static int burst_verify(const struct cast_mount_settings *mount, struct cast_station_error *error) {
    char shown[CAST_SHOWN_ROOM], burst[CAST_SHOWN_ROOM], queue[CAST_SHOWN_ROOM];
    if (mount->burst_bytes <= mount->queue_bytes)
        return NEAP_OK;
    cast_amount_text(burst, CAST_KEY_SIZE, mount->burst_bytes);
    cast_amount_text(queue, CAST_KEY_SIZE, mount->queue_bytes);
    if (!mount->name)
        return cast_station_refuse(error, "[server]: a burst of %s is above a queue of %s", burst, queue);
    cast_station_shown(shown, mount->name, strlen(mount->name));
    return cast_station_refuse(error, "mount %s: a burst of %s is above a queue of %s", shown, burst, queue);
}

static int passwords_verify(const struct cast_station *station, struct cast_station_error *error) {
    static const char twice[] = "%s-password and %s-password-file are both given: leave one out";
    if (station->defaults.source_password && station->source_password_file)
        return cast_station_refuse(error, twice, "source", "source");
    if (station->admin_password && station->admin_password_file)
        return cast_station_refuse(error, twice, "admin", "admin");
    return NEAP_OK;
}

int cast_station_verify(const struct cast_station *station, struct cast_station_error *error) {
    error->line = 0;
    if (station->listen.count == 0)
        return cast_station_refuse(error, "listen: it is empty: give an address like 127.0.0.1:8000");
    int result = passwords_verify(station, error);
    if (result == NEAP_OK)
        result = burst_verify(&station->defaults, error);
    if (result == NEAP_OK)
        result = fallback_verify(station, station->defaults.fallback, error);
    for (size_t i = 0; i < station->mount_count && result == NEAP_OK; i++) {
        result = burst_verify(&station->mounts[i], error);
        if (result == NEAP_OK)
            result = fallback_verify(station, station->mounts[i].name, error);
    }
    return result;
}
