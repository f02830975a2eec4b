/* cast/server/cast_status.c: one request, and a table of the answer. */
#include "cast/server/cast_status.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <neap/error.h>
#include <neap/stream.h>

#include "base/outside_text.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/socket.h"
#include "report/table.h"
#include "report/terminal.h"

enum {
    ANSWER_BYTES_MOST = 4 << 20,
    TIMEOUT_MS = 5000,
    STEP_MS = 5,
    MOUNT_COLUMNS = 24,
    TYPE_COLUMNS = 8,
    TITLE_COLUMN = 50, /* where titles begin at the latest */
    TITLE_COLUMNS_LEAST = 10,
};

static int fail(const char *address, const char *why) {
    fprintf(stderr, "neap-cast: status: %s: %s\n", address, why);
    return EXIT_FAILURE;
}

/* --- asking ------------------------------------------------------------------------------ */

/* Waits a moment; false when the time is over. */
static bool wait_a_moment(uint64_t end_ns) {
    neap_os_sleep_ns((uint64_t)STEP_MS * 1000000);
    return neap_os_now_ns() < end_ns;
}

/* Reads to the end of the connection. Returns a string, or NULL. */
static char *answer_read(int socket, uint64_t end_ns) {
    char *answer = malloc(ANSWER_BYTES_MOST + 1);
    size_t count = 0, got = 1;
    while (answer && count < ANSWER_BYTES_MOST && got > 0) {
        int error = neap_os_socket_receive(socket, answer + count, ANSWER_BYTES_MOST - count, &got);
        if (error == NEAP_OK)
            count += got;
        else if (error != NEAP_ERROR_BUSY || !wait_a_moment(end_ns))
            break;
    }
    if (answer)
        answer[count] = '\0';
    return answer;
}

/* The body of the answer, which the caller frees with *whole; NULL after a line on stderr. */
static const char *status_fetch(const char *address, char **whole) {
    static const char request[] = "GET /status-json.xsl HTTP/1.0\r\nHost: localhost\r\n\r\n";
    struct neap_span span = {(void *)(uintptr_t)request, sizeof(request) - 1};
    const uint64_t end_ns = neap_os_now_ns() + (uint64_t)TIMEOUT_MS * 1000000;
    struct neap_os_address at;
    int socket;
    size_t sent = 0;
    *whole = NULL;
    if (!neap_os_address_read(address, &at) || at.port == 0)
        return fail(address, "this is no address: give one like 127.0.0.1:8000"), NULL;
    if (neap_os_socket_connect(&at, &socket) != NEAP_OK)
        return fail(address, "cannot connect: is the server running?"), NULL;
    int error;
    do
        error = neap_os_socket_send(socket, &span, 1, &sent);
    while (error == NEAP_ERROR_BUSY && wait_a_moment(end_ns));
    if (error == NEAP_OK)
        *whole = answer_read(socket, end_ns);
    neap_os_descriptor_close(socket);
    const char *body = *whole ? strstr(*whole, "\r\n\r\n") : NULL;
    if (!body)
        fail(address,
             error == NEAP_OK ? "it did not answer in time" : "cannot connect: is the server running?");
    return body ? body + 4 : NULL;
}

/* --- showing ------------------------------------------------------------------------------ */

/* Copies a member that is a text, cleaned; "" if there is none. */
static void text_of(const json_t *source, const char *name, char *out, size_t room) {
    const char *text = json_string_value(json_object_get(source, name));
    snprintf(out, room, "%s", text ? text : "");
    neap_outside_text_clean(out);
}

/* Cuts a text to so many characters. */
static const char *cut(char *text, unsigned columns) {
    char *at = text;
    for (unsigned shown = 0; *at && shown < columns; shown++) {
        size_t bytes = neap_utf8_character(at);
        at += bytes > 0 ? bytes : 1;
    }
    *at = '\0';
    return text;
}

static void source_add(neap_table_t *table, const json_t *source, unsigned title_columns) {
    char url[300], title[600], type[100];
    text_of(source, json_object_get(source, "title") ? "title" : "server_name", title, sizeof(title));
    text_of(source, "server_type", type, sizeof(type));
    text_of(source, "listenurl", url, sizeof(url));
    char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL, *slash = strchr(type, '/');
    neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cut(path ? path : url, MOUNT_COLUMNS));
    neap_table_cell(table, NEAP_TONE_PLAIN, "%lld",
                    (long long)json_integer_value(json_object_get(source, "listeners")));
    neap_table_cell(table, NEAP_TONE_PLAIN, "%lld",
                    (long long)json_integer_value(json_object_get(source, "listener_peak")));
    neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cut(slash ? slash + 1 : type, TYPE_COLUMNS));
    neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cut(title, title_columns));
}

static int status_print(const char *address, const char *body) {
    static const struct neap_table_column columns[] = {{.title = "mount", .left = true},
                                                       {.title = "now"},
                                                       {.title = "most"},
                                                       {.title = "type", .left = true},
                                                       {.title = "title", .left = true}};
    json_error_t error;
    json_t *document = json_loads(body, JSON_DISABLE_EOF_CHECK, &error),
           *stats = json_object_get(document, "icestats");
    json_t *sources = json_object_get(stats, "source");
    unsigned wide = neap_terminal_columns(stdout);
    unsigned title_columns =
        wide > TITLE_COLUMN + TITLE_COLUMNS_LEAST ? wide - TITLE_COLUMN : TITLE_COLUMNS_LEAST;
    char server[100];
    if (!json_is_object(stats)) {
        json_decref(document);
        return fail(address, "its answer is not that of a broadcasting server");
    }
    size_t count = json_is_array(sources) ? json_array_size(sources) : json_is_object(sources);
    text_of(stats, "server_id", server, sizeof(server));
    printf("%s: %s, %zu mount%s on air\n%s", address, server, count, count == 1 ? "" : "s",
           count > 0 ? "\n" : "");
    neap_table_t *table = count > 0 ? neap_table_new(columns, sizeof(columns) / sizeof(columns[0])) : NULL;
    for (size_t i = 0; table && i < count; i++)
        source_add(table, json_is_array(sources) ? json_array_get(sources, i) : sources, title_columns);
    neap_table_finish(table, stdout);
    json_decref(document);
    return EXIT_SUCCESS;
}

int cast_status(const char *address, uint64_t watch_s) {
    for (;;) {
        char *whole;
        const char *body = status_fetch(address, &whole);
        if (body && watch_s > 0 && neap_os_descriptor_is_terminal(1))
            fputs("\033[H\033[2J", stdout);
        int code = body ? status_print(address, body) : EXIT_FAILURE;
        free(whole);
        if (code != EXIT_SUCCESS || watch_s == 0)
            return code;
        fflush(stdout);
        neap_os_sleep_ns(watch_s * UINT64_C(1000000000));
    }
}
