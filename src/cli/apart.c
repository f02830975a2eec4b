/* cli/apart.c: the two sides of a verb that reads foreign bytes. */
#include "cli/apart.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/setting.h"
#include "cli/option.h"
#include "cli/verb.h"
#include "os/privilege.h"
#include "os/system_call_filter.h"
#include "os/worker.h"

enum { PIECE_BYTES = 1 << 20, FORMS = 3 };
#define TEXT_BYTES_MOST (UINT64_C(1) << 30)

/* In front of each text. */
struct frame {
    uint32_t form;
    uint64_t bytes;
};

/* A process is a worker or is none: there is one for all of it. */
static struct neap_os_worker worker;
static bool is_worker;

static bool is_wanted(void) {
    const struct neap_setting *setting = &neap_settings[NEAP_SETTING_CONFINE];
    const char *text = getenv(setting->variable);
    uint64_t value = 1;
    if (text && *text && !neap_setting_parse(setting, text, &value))
        cli_error(CLI_EXIT_USAGE, "ignoring %s=%.80s: it takes 0 or 1", setting->variable, text);
    return value != 0;
}

/* --- the side that waits ------------------------------------------------------- */

/* The text behind a frame, in memory that grows with what arrives and not with what is claimed. */
static bool text_receive(const struct frame *frame, char **text) {
    uint64_t have = 0;
    *text = NULL;
    while (have < frame->bytes) {
        uint64_t part = frame->bytes - have < PIECE_BYTES ? frame->bytes - have : PIECE_BYTES;
        char *grown = realloc(*text, (size_t)(have + part));
        if (grown)
            *text = grown;
        if (!grown || !neap_os_worker_receive(&worker, grown + have, (size_t)part))
            return false;
        have += part;
    }
    return true;
}

struct texts {
    char *text[FORMS];
    uint64_t bytes[FORMS]; /* 0: not all of it came */
};

/* Until the worker sends no more; false if it does not keep to this, or if no memory is left. */
static bool texts_receive(struct texts *texts) {
    struct frame frame;
    while (neap_os_worker_receive(&worker, &frame, sizeof(frame))) {
        if (frame.form >= FORMS || texts->text[frame.form] || frame.bytes > TEXT_BYTES_MOST ||
            !text_receive(&frame, &texts->text[frame.form]))
            return false;
        texts->bytes[frame.form] = frame.bytes;
    }
    return true;
}

static int texts_write(const struct texts *texts, const struct cli_output *output) {
    int code = CLI_EXIT_DONE;
    for (unsigned i = 0; i < FORMS; i++) {
        int written = texts->bytes[i] > 0
                          ? cli_output_text_write(output, i, texts->text[i], (size_t)texts->bytes[i])
                          : CLI_EXIT_DONE;
        code = code == CLI_EXIT_DONE ? written : code;
    }
    return code;
}

/* The exit code of a worker that a signal ended. One that somebody sent ends this process as well. */
static int signal_tell(int number) {
    switch (number) {
    case SIGSYS:
        return cli_error(CLI_EXIT_FAILED,
                         "what was read made the analysis do what it may not: it was ended: do "
                         "not trust it, and please report it (SECURITY.md)");
    case SIGBUS:
        return cli_error(CLI_EXIT_FAILED,
                         "a file became shorter while it was read: copy it, and read the copy");
    case SIGSEGV:
    case SIGABRT:
    case SIGILL:
    case SIGFPE:
        return cli_error(CLI_EXIT_FAILED, "the analysis failed at what it read (signal %d): please report it",
                         number);
    case SIGKILL:
        return cli_error(CLI_EXIT_FAILED,
                         "the analysis was killed, perhaps since memory ran out: use --low-memory");
    default:
        neap_os_worker_end_likewise(number);
        return CLI_EXIT_FAILED;
    }
}

static int wait_and_write(const struct cli_output *output) {
    struct texts texts = {0};
    bool received = texts_receive(&texts);
    struct neap_os_worker_ending ending = neap_os_worker_end(&worker);
    int code = !received ? cli_error(CLI_EXIT_FAILED, "no memory left to write the report: give neap more")
               : ending.signal != 0 ? signal_tell(ending.signal)
                                    : texts_write(&texts, output);
    for (unsigned i = 0; i < FORMS; i++)
        free(texts.text[i]);
    return ending.status == CLI_EXIT_DONE ? code : ending.status;
}

int cli_apart_begin(const struct cli_output *output) {
    if (!is_wanted())
        return CLI_GO_ON;
    fflush(stdout);
    int error = neap_os_worker_begin(&worker);
    if (error != NEAP_OK)
        return cli_error(CLI_EXIT_FAILED,
                         "cannot start a process for the analysis: %s: try again, or set NEAP_CONFINE=0",
                         error == NEAP_ERROR_SYSTEM ? strerror(errno) : neap_error_text(error));
    is_worker = worker.pid == 0;
    if (!is_worker)
        return wait_and_write(output);
    json_object_seed(0); /* of the system's random numbers, which it could not open later */
    return CLI_GO_ON;
}

/* --- the side that works ------------------------------------------------------- */

void cli_apart_only_read(void) {
    if (is_worker)
        neap_os_filter_enter(NEAP_OS_FILTER_OPENING);
}

void cli_apart_confine(void) {
    if (!is_worker)
        return;
    neap_os_privilege_drop();
    neap_os_filter_enter(NEAP_OS_FILTER_READING);
}

bool cli_apart_is_worker(void) {
    return is_worker;
}

bool cli_apart_send(unsigned form, const void *text, size_t bytes) {
    struct frame frame;
    memset(&frame, 0, sizeof(frame)); /* no byte of the stack in its gaps */
    frame.form = form;
    frame.bytes = bytes;
    return neap_os_worker_send(&worker, &frame, sizeof(frame)) && neap_os_worker_send(&worker, text, bytes);
}
