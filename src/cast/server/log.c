/* cast/server/log.c: lines are put together on the stack and written by one call. */
#include "cast/server/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <neap/error.h>

#include "os/append_file.h"
#include "os/descriptor.h"

enum { LINE_BYTES = 4096, FIELD_BYTES_MOST = 600, WORD_BYTES_MOST = 64, NONE = -1, STANDARD_ERROR = 2 };

struct file {
    _Atomic int number; /* of the descriptor */
    bool made;          /* by this process, and not given away yet */
};

static struct file access_log = {.number = NONE}, error_log = {.number = STANDARD_ERROR};
static _Atomic uint64_t dropped;

struct line {
    size_t bytes;
    char text[LINE_BYTES];
};

/* --- files ------------------------------------------------------------------------ */

/* Puts another descriptor in the place of the one before. */
static void file_replace(struct file *file, int number, bool made) {
    int old = atomic_load(&file->number);
    if (old > STANDARD_ERROR && number > STANDARD_ERROR) {
        neap_os_append_replace(old, number);
    } else if (number != old) {
        atomic_store(&file->number, number);
        if (old > STANDARD_ERROR)
            neap_os_descriptor_close(old);
    }
    file->made = made;
}

int cast_log_open(const char *access_file, const char *error_file, const char **failed) {
    int access = NONE, errors = STANDARD_ERROR;
    bool access_made = false, errors_made = false;
    if (access_file && neap_os_append_open(access_file, &access, &access_made) != NEAP_OK)
        return *failed = access_file, NEAP_ERROR_SYSTEM;
    if (error_file && neap_os_append_open(error_file, &errors, &errors_made) != NEAP_OK) {
        if (access != NONE)
            neap_os_descriptor_close(access);
        return *failed = error_file, NEAP_ERROR_SYSTEM;
    }
    file_replace(&access_log, access, access_made);
    file_replace(&error_log, errors, errors_made);
    return NEAP_OK;
}

void cast_log_give(unsigned user, unsigned group) {
    struct file *files[] = {&access_log, &error_log};
    for (size_t i = 0; i < 2; i++)
        if (files[i]->made)
            files[i]->made = !neap_os_append_give(atomic_load(&files[i]->number), user, group);
}

uint64_t cast_log_dropped(void) {
    return atomic_load(&dropped);
}

static void line_write(int descriptor, struct line *line) {
    line->text[line->bytes++] = '\n';
    if (descriptor < 0)
        return;
    if (!neap_os_append_write(descriptor, line->text, line->bytes))
        atomic_fetch_add(&dropped, 1);
}

/* --- lines -------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void line_add(struct line *line, const char *format, ...) {
    va_list arguments;
    size_t room = sizeof(line->text) - 1 - line->bytes;
    va_start(arguments, format);
    int bytes = vsnprintf(line->text + line->bytes, room, format, arguments);
    va_end(arguments);
    if (bytes > 0)
        line->bytes += (size_t)bytes < room ? (size_t)bytes : room - 1;
}

static void line_add_byte(struct line *line, char byte) {
    if (line->bytes < sizeof(line->text) - 1) /* the end of the line has its place */
        line->text[line->bytes++] = byte;
}

static bool is_plain(unsigned char byte) {
    return byte >= ' ' && byte < 127 && byte != '"' && byte != '\\';
}

/* In quotes, with quotes, backslashes and all that is no printable ASCII as \xNN, as Apache writes it. */
static void line_add_quoted(struct line *line, const char *text) {
    size_t end = line->bytes + FIELD_BYTES_MOST;
    line_add_byte(line, '"');
    for (; *text && line->bytes < end; text++) {
        if (is_plain((unsigned char)*text))
            line_add_byte(line, *text);
        else
            line_add(line, "\\x%02x", (unsigned char)*text);
    }
    line_add_byte(line, '"');
}

/* A word without quotes: a user's name. */
static void line_add_word(struct line *line, const char *text) {
    if (*text == '\0')
        line_add_byte(line, '-');
    for (size_t i = 0; text[i] && i < WORD_BYTES_MOST; i++)
        line_add_byte(line, is_plain((unsigned char)text[i]) && text[i] != ' ' ? text[i] : '?');
}

void cast_log_access(const struct cast_access *access) {
    int descriptor = atomic_load(&access_log.number);
    if (descriptor < 0)
        return;
    struct line line = {0};
    char address[NEAP_OS_ADDRESS_ROOM], when[64], request[FIELD_BYTES_MOST];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(when, sizeof(when), "%d/%b/%Y:%H:%M:%S %z", &local);
    snprintf(request, sizeof(request), "%s %s HTTP/1.%u", access->method, access->path, access->minor);
    line_add(&line, "%s - ", neap_os_address_write(access->address, address));
    line_add_word(&line, access->user);
    line_add(&line, " [%s] ", when);
    line_add_quoted(&line, request);
    line_add(&line, " %d %llu ", access->status, (unsigned long long)access->bytes);
    line_add_quoted(&line, *access->referrer ? access->referrer : "-");
    line_add(&line, " ");
    line_add_quoted(&line, *access->agent ? access->agent : "-");
    line_add(&line, " %llu", (unsigned long long)access->seconds);
    line_write(descriptor, &line);
}

void cast_log_event(const char *level, const char *event, ...) {
    struct line line = {0};
    char when[64];
    time_t now = time(NULL);
    struct tm utc;
    va_list fields;
    gmtime_r(&now, &utc);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
    line_add(&line, "time=%s level=%s event=%s", when, level, event);
    va_start(fields, event);
    for (const char *name = va_arg(fields, const char *); name; name = va_arg(fields, const char *)) {
        line_add(&line, " %s=", name);
        line_add_quoted(&line, va_arg(fields, const char *));
    }
    va_end(fields);
    line_write(atomic_load(&error_log.number), &line);
}
