/* cast/format/station_keys.c: the tables of keys, and what is made from them alone. */
#include "cast/format/station_keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000)
#define HOUR   (3600 * SECOND)
#define KIB    (UINT64_C(1) << 10)
#define GIB    (UINT64_C(1) << 30)
#define MANY   UINT64_C(1000000)

#define KEY(name_, kind_, place)                                                                             \
    .name = (name_), .kind = (kind_), .offset = offsetof(struct cast_station, place)
#define MOUNT(name_, kind_, place)                                                                           \
    .name = (name_), .kind = (kind_), .offset = offsetof(struct cast_mount_settings, place)
#define TEXT(form_)                      .form = (form_)
#define AMOUNT(standard_, least_, most_) .standard = (standard_), .least = (least_), .most = (most_)

const struct cast_key cast_server_keys[CAST_SERVER_KEYS] = {
    {KEY("listen", CAST_KEY_LIST, listen), TEXT(CAST_FORM_LISTEN), .standard = "127.0.0.1:8000",
     .help = "The server listens on these addresses: 127.0.0.1 is reached from this machine alone, 0.0.0.0 "
             "and [::] from everywhere, and port 0 is any that is free."},
    {KEY("source-password-file", CAST_KEY_TEXT, source_password_file),
     .help = "This file holds the password of source-password, which then does not stand here."},
    {KEY("admin-user", CAST_KEY_TEXT, admin_user), TEXT(CAST_FORM_USER), .standard = "admin",
     .help = "The administrator signs in with this name."},
    {KEY("admin-password", CAST_KEY_TEXT, admin_password), TEXT(CAST_FORM_SECRET), .example = "change-me-too",
     .help = "The administrator signs in with this password; without one the administration is closed."},
    {KEY("admin-password-file", CAST_KEY_TEXT, admin_password_file),
     .help = "This file holds the password of admin-password, which then does not stand here."},
    {KEY("hostname", CAST_KEY_TEXT, hostname), TEXT(CAST_FORM_HOST), .standard = "localhost",
     .help = "The status page and playlists call the server so."},
    {KEY("location", CAST_KEY_TEXT, location), .help = "The status page says that the server stands here."},
    {KEY("admin-mail", CAST_KEY_TEXT, admin_mail),
     .help = "The status page gives this address for questions."},
    {KEY("access-log", CAST_KEY_TEXT, access_log),
     .help = "Requests are written to this file; without one, they are not written."},
    {KEY("error-log", CAST_KEY_TEXT, error_log),
     .help = "Messages are written to this file; without one, they go to standard error."},
    {KEY("run-as", CAST_KEY_TEXT, run_as), TEXT(CAST_FORM_ACCOUNT),
     .help =
         "The server becomes this user when root starts it; without one, it becomes neap-cast if there is "
         "such a user, else nobody."},
    {KEY("trusted-proxies", CAST_KEY_LIST, trusted_proxies), TEXT(CAST_FORM_ADDRESS),
     .help = "The header X-Forwarded-For is believed if it comes from one of these addresses."},
    {KEY("deny-agents", CAST_KEY_LIST, deny_agents),
     .help = "A client whose User-Agent contains one of these words is refused with 403."},
    {KEY("max-listeners", CAST_KEY_NUMBER, max_listeners), AMOUNT("20000", 1, MANY),
     .help = "The server has at most so many listeners."},
    {KEY("max-listeners-per-address", CAST_KEY_NUMBER, max_listeners_per_address), AMOUNT("0", 0, MANY),
     .help = "One address has at most so many listeners; 0 is no limit."},
    {KEY("max-sources", CAST_KEY_NUMBER, max_sources), AMOUNT("64", 1, 10000),
     .help = "The server has at most so many sources."},
    {KEY("loops", CAST_KEY_NUMBER, loops), AMOUNT("0", 0, 1024),
     .help = "So many threads serve; 0 is one for each processor."},
    {KEY("batch", CAST_KEY_TIME, batch_ms), AMOUNT("500 ms", 1, 10 * SECOND),
     .help = "Listeners get what is new in batches, this long apart; longer costs less of the processor and "
             "delays the sound."},
    {KEY("header-timeout", CAST_KEY_TIME, header_timeout_ms), AMOUNT("10 s", 100, HOUR),
     .help = "A client has to send its whole request within this time."},
    {KEY("listener-timeout", CAST_KEY_TIME, listener_timeout_ms), AMOUNT("35 s", 100, HOUR),
     .help = "A listener who takes nothing for this time is dropped."},
    {KEY("metadata-interval", CAST_KEY_SIZE, metadata_interval), AMOUNT("16000", 256, 1024 * KIB),
     .help = "A title comes after each so many bytes, for listeners who ask for titles (icy-metaint)."},
};

const struct cast_key cast_mount_keys[CAST_MOUNT_KEYS] = {
    {MOUNT("source-user", CAST_KEY_TEXT, source_user), TEXT(CAST_FORM_USER), .standard = "source",
     .help = "A source signs in with this name."},
    {MOUNT("source-password", CAST_KEY_TEXT, source_password), TEXT(CAST_FORM_SECRET), .example = "change-me",
     .help = "A source signs in with this password; where there is none, no source can."},
    {MOUNT("fallback", CAST_KEY_TEXT, fallback), TEXT(CAST_FORM_MOUNT), .example = "/silence.mp3",
     .help = "Listeners move to this mount when the source ends."},
    {MOUNT("charset", CAST_KEY_TEXT, charset), TEXT(CAST_FORM_CHARSET), .example = "ISO-8859-1",
     .help = "Titles from the source are in this encoding; without one, what is valid UTF-8 is read as that, "
             "and all else as Latin-1."},
    {MOUNT("stream-name", CAST_KEY_TEXT, stream_name), .example = "Live",
     .help = "The stream has this name, whatever its source says."},
    {MOUNT("description", CAST_KEY_TEXT, description),
     .help = "The stream has this description, whatever its source says."},
    {MOUNT("genre", CAST_KEY_TEXT, genre), .help = "The stream has this genre, whatever its source says."},
    {MOUNT("url", CAST_KEY_TEXT, url), .help = "The stream has this web page, whatever its source says."},
    {MOUNT("hidden", CAST_KEY_FLAG, hidden), .standard = "no",
     .help = "A hidden mount is not on the status page, in status-json.xsl, or in playlists."},
    {MOUNT("max-listeners", CAST_KEY_NUMBER, max_listeners), .server_name = "max-listeners-per-mount",
     AMOUNT("0", 0, MANY),
     .help = "One mount has at most so many listeners; 0 is no limit but the server's."},
    {MOUNT("burst", CAST_KEY_SIZE, burst_bytes), AMOUNT("64 KiB", 0, GIB),
     .help = "A new listener gets so many bytes at once; more starts the sound sooner, and delays it."},
    {MOUNT("queue", CAST_KEY_SIZE, queue_bytes), AMOUNT("512 KiB", 4 * KIB, GIB),
     .help = "A listener can fall behind by so many bytes, which each mount with a source keeps in memory."},
    {MOUNT("time-limit", CAST_KEY_TIME, time_limit_ms), AMOUNT("0", 0, 8760 * HOUR),
     .help = "A listener may stay for this time; 0 is no limit."},
    {MOUNT("source-timeout", CAST_KEY_TIME, source_timeout_ms), AMOUNT("10 s", 100, 24 * HOUR),
     .help = "A source that is silent for this time is dropped, and a mount waits so long for its source to "
             "come back."},
    {MOUNT("relay", CAST_KEY_TEXT, relay), TEXT(CAST_FORM_RELAY),
     .example = "http://radio.example.org:8000/live.mp3",
     .help =
         "The server gets the stream of this mount from there, as a listener, and connects again when that "
         "ends; no source can take the mount meanwhile."},
};

/* --- memory -------------------------------------------------------------- */

static void *memory(void *old, size_t bytes) {
    if (bytes > 0)
        return realloc(old, bytes);
    free(old);
    return NULL;
}

void *(*cast_station_memory)(void *old, size_t bytes) = memory;

char *cast_station_copy(const char *text, size_t bytes) {
    char *copy = cast_station_memory(NULL, bytes + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

/* --- names ----------------------------------------------------------------- */

bool cast_key_is_of_mount(const struct cast_key *key) {
    return key >= cast_mount_keys && key < cast_mount_keys + CAST_MOUNT_KEYS;
}

const char *cast_key_name(const struct cast_key *key, bool of_server) {
    return of_server && key->server_name ? key->server_name : key->name;
}

const struct cast_key *cast_key_at(size_t i, bool of_server) {
    size_t before = of_server ? CAST_SERVER_KEYS : 0;
    if (i < before)
        return &cast_server_keys[i];
    size_t of_mount = of_server ? CAST_MOUNT_KEYS - CAST_MOUNT_OWN_KEYS : CAST_MOUNT_KEYS;
    return i - before < of_mount ? &cast_mount_keys[i - before] : NULL;
}

const struct cast_key *cast_key_find(const char *name, bool of_server) {
    const struct cast_key *key;
    for (size_t i = 0; (key = cast_key_at(i, of_server)); i++)
        if (strcmp(cast_key_name(key, of_server), name) == 0)
            return key;
    return NULL;
}

enum { NAME_BYTES_MOST = 32, SLIPS_MOST = 2 };

/* How many letters have to be put in, left out or changed to make `to` of `from` (Levenshtein's distance). */
static size_t slips(const char *from, const char *to) {
    size_t row[NAME_BYTES_MOST + 1], length = strlen(to);
    assert(length <= NAME_BYTES_MOST);
    for (size_t i = 0; i <= length; i++)
        row[i] = i;
    for (size_t line = 1; *from; from++, line++) {
        size_t corner = row[0];
        row[0] = line;
        for (size_t i = 1; i <= length; i++) {
            size_t change = corner + (*from != to[i - 1]);
            corner = row[i];
            size_t shift = (row[i] < row[i - 1] ? row[i] : row[i - 1]) + 1;
            row[i] = change < shift ? change : shift;
        }
    }
    return row[length];
}

const struct cast_key *cast_key_nearest(const char *name, bool of_server) {
    const struct cast_key *key, *nearest = NULL;
    size_t fewest = SLIPS_MOST + 1;
    if (strlen(name) > NAME_BYTES_MOST + SLIPS_MOST) /* spares work on what is far off */
        return NULL;
    for (size_t i = 0; (key = cast_key_at(i, of_server)); i++) {
        size_t count = slips(name, cast_key_name(key, of_server));
        if (count < fewest) {
            fewest = count;
            nearest = key;
        }
    }
    return nearest;
}

/* --- the example ---------------------------------------------------------------- */

/* Writes a text as lines of comment. */
static void comment_write(const char *text, FILE *out) {
    enum { WIDTH = 80 };
    size_t column = 0;
    while (*text) {
        size_t bytes = strcspn(text, " ");
        if (column > 0 && column + 1 + bytes > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            fputc('#', out);
        fprintf(out, " %.*s", (int)bytes, text);
        column += bytes + (column == 0 ? 2 : 1);
        text += bytes;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void key_write(const struct cast_key *key, bool of_server, FILE *out) {
    bool secret = key->form == CAST_FORM_SECRET && key->kind == CAST_KEY_TEXT;
    const char *value = key->standard ? key->standard : "";
    if (key->example && (secret || !of_server))
        value = key->example;
    fprintf(out, "#%s =%s%s\n", cast_key_name(key, of_server), *value ? " " : "", value);
}

void cast_station_write_example(FILE *out) {
    const struct cast_key *key;
    comment_write(
        "The settings of neap-cast. All keys are here, with their defaults; uncomment one to change it. "
        "Passwords have no default; without any source-password the server makes one at each start and "
        "prints it. "
        "Let nobody but the user that the server runs as read a file with passwords.",
        out);
    fputs("#\n", out);
    comment_write(
        "Sizes are 64 KB (1,000 bytes) or 64 KiB (1,024), times 250 ms, 10 s, 5 min or 2 h. A list is "
        "separated by commas or spaces, and indented lines continue it. A comment begins a line with "
        "# or ;, or follows white space and ; so that no value can have these.",
        out);
    fputs("\n[server]\n", out);
    for (size_t i = 0; (key = cast_key_at(i, true)); i++) {
        fputc('\n', out);
        if (key == cast_mount_keys) {
            comment_write("What follows is of each mount: here it is the default of all, and a section "
                          "[mount /name] changes it for one.",
                          out);
            fputc('\n', out);
        }
        comment_write(key->help, out);
        key_write(key, true, out);
    }
    fputs("\n[mount /live.mp3]\n\n", out);
    comment_write("The same keys, for this mount alone, some with an example.", out);
    for (size_t i = 0; (key = cast_key_at(i, false)); i++) {
        if (i == CAST_MOUNT_KEYS - CAST_MOUNT_OWN_KEYS)
            fputc('\n', out);
        if (i >= CAST_MOUNT_KEYS - CAST_MOUNT_OWN_KEYS)
            comment_write(key->help, out);
        key_write(key, false, out);
    }
}
