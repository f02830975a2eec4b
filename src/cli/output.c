/* cli/output.c: writes a report to standard output, to a stream, or to a file by os/atomic_file.h. */
#include "cli/output.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "cli/apart.h"
#include "cli/option.h"
#include "cli/verb.h"
#include "os/atomic_file.h"
#include "os/descriptor.h"
#include "os/path.h"

static bool is_stdout(const char *path) {
    return path && strcmp(path, "-") == 0;
}

/* Whether the path is a pipe or a device, which is written to. Any other path gets a new file. */
static bool is_stream(const char *path) {
    return neap_os_path_kind(path) == NEAP_OS_PATH_STREAM;
}

static int write_error(const char *path, int error) {
    int reason = errno;
    switch (error) {
    case NEAP_ERROR_ABSENT:
        return cli_error(CLI_EXIT_FAILED, "cannot write %s: no such folder: give another file", path);
    case NEAP_ERROR_PERMISSION:
        return cli_error(CLI_EXIT_NOT_PERMITTED, "not permitted to write %s: %sgive another file", path,
                         neap_os_path_is_foreign(path) ? "it is a link or pipe of another user: " : "");
    case NEAP_ERROR_FORMAT:
        return cli_error(CLI_EXIT_FAILED, "cannot write %s: it is a %s: give a file", path,
                         neap_os_path_kind(path) == NEAP_OS_PATH_DISK ? "disk" : "folder");
    default:
        return cli_error(CLI_EXIT_FAILED, "cannot write %s: %s: make room, or give another file", path,
                         error == NEAP_ERROR_SYSTEM ? strerror(reason) : neap_error_text(error));
    }
}

/* --- checking ---------------------------------------------------------------- */

static int path_check(const char *path) {
    struct neap_os_atomic_file file;
    if (!path || is_stdout(path))
        return CLI_GO_ON;
    if (!*path)
        return cli_error(CLI_EXIT_USAGE, "a file to write has no name: give one, like --json=FILE");
    if (neap_os_path_is_foreign(path))
        return write_error(path, NEAP_ERROR_PERMISSION);
    if (is_stream(path))
        return CLI_GO_ON;
    int error = neap_os_atomic_file_open(&file, path);
    if (error != NEAP_OK)
        return write_error(path, error);
    neap_os_atomic_file_discard(&file);
    return CLI_GO_ON;
}

int cli_output_check(const struct cli_output *output) {
    const char *const paths[] = {output->json, output->html, output->svg};
    unsigned to_stdout = 0;
    for (size_t i = 0; i < 3; i++) {
        int code = path_check(paths[i]);
        if (code != CLI_GO_ON)
            return code;
        to_stdout += is_stdout(paths[i]);
    }
    return to_stdout <= 1 ? CLI_GO_ON
                          : cli_error(CLI_EXIT_USAGE,
                                      "standard output takes one report, not %u: give a file, "
                                      "like --json=FILE",
                                      to_stdout);
}

/* --- writing ----------------------------------------------------------------- */

static int stream_write(const char *path, const char *text, size_t bytes) {
    int descriptor, error = neap_os_path_stream_open(path, &descriptor);
    if (error != NEAP_OK)
        return error;
    FILE *out = fdopen(descriptor, "w");
    if (!out) {
        neap_os_descriptor_close(descriptor);
        return NEAP_ERROR_MEMORY;
    }
    bool failed = fwrite(text, 1, bytes, out) != bytes;
    failed |= fclose(out) != 0;
    return failed ? NEAP_ERROR_SYSTEM : NEAP_OK;
}

static int file_write(const char *path, const char *text, size_t bytes) {
    struct neap_os_atomic_file file;
    if (neap_os_path_is_foreign(path))
        return NEAP_ERROR_PERMISSION;
    if (is_stream(path))
        return stream_write(path, text, bytes);
    int error = neap_os_atomic_file_open(&file, path);
    if (error != NEAP_OK)
        return error;
    error = neap_os_atomic_file_write(&file, text, bytes);
    if (error == NEAP_OK)
        return neap_os_atomic_file_commit(&file);
    neap_os_atomic_file_discard(&file);
    return error;
}

static const char *path_of(const struct cli_output *output, unsigned form) {
    const char *const paths[] = {output->json, output->html, output->svg};
    return paths[form];
}

int cli_output_text_write(const struct cli_output *output, unsigned form, const char *text, size_t bytes) {
    const char *path = path_of(output, form);
    int error = path && !is_stdout(path) ? file_write(path, text, bytes) : NEAP_OK;
    return error == NEAP_OK ? CLI_EXIT_DONE : write_error(path, error);
}

/* Writes what is ready, or has it written. */
static int text_deliver(const struct cli_output *output, unsigned form, const char *text, size_t bytes) {
    if (!cli_apart_is_worker())
        return cli_output_text_write(output, form, text, bytes);
    return cli_apart_send(form, text, bytes) ? CLI_EXIT_DONE : CLI_EXIT_FAILED;
}

/* Makes a form in memory and then writes the file, so that a form that cannot be made changes no file. */
static int form_write(const struct cli_output *output, unsigned number, cli_output_form *form,
                      const void *report) {
    const char *path = path_of(output, number);
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    int error = out ? form(report, out) : NEAP_ERROR_MEMORY;
    if (out && fclose(out) != 0)
        error = NEAP_ERROR_MEMORY;
    int code = CLI_EXIT_DONE;
    if (error == NEAP_ERROR_ABSENT)
        code = cli_error(CLI_EXIT_FAILED, "nothing to draw in %s: there are no figures", path);
    else if (error != NEAP_OK)
        code = cli_error(CLI_EXIT_FAILED, "no memory left to write %s: give neap more", path);
    else
        code = text_deliver(output, number, text, bytes);
    free(text);
    return code;
}

static int form_print(cli_output_form *form, const void *report) {
    int error = form(report, stdout);
    if (error == NEAP_OK || ferror(stdout) || fflush(stdout) != 0)
        return CLI_EXIT_DONE;
    return cli_error(CLI_EXIT_FAILED, "cannot print the report: %s: give neap more", neap_error_text(error));
}

int cli_output_write(const struct cli_output *output, const struct cli_output_forms *forms,
                     const void *report) {
    cli_output_form *const ways[] = {forms->json, forms->html, forms->svg};
    cli_output_form *printed = forms->text;
    int code = CLI_EXIT_DONE;
    for (unsigned i = 0; i < 3; i++)
        if (is_stdout(path_of(output, i)))
            printed = ways[i];
    code = form_print(printed, report);
    fflush(stdout);
    for (unsigned i = 0; i < 3; i++) {
        if (!path_of(output, i) || is_stdout(path_of(output, i)))
            continue;
        int written = form_write(output, i, ways[i], report);
        code = code == CLI_EXIT_DONE ? written : code;
    }
    return code;
}
