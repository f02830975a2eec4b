/* cli/verb_cast.c: `neap cast`: starts the program neap-cast, which lies beside this one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/option.h"
#include "cli/verb.h"
#include "os/process_memory.h"
#include "os/program_file.h"

static const char program_name[] = "neap-cast";

static int run(int argc, char **argv) {
    char path[PATH_MAX];
    (void)argc;
    if (neap_os_program(0, path, sizeof(path)) != NEAP_OK || !strrchr(path, '/'))
        return cli_error(CLI_EXIT_FAILED, "cannot tell where neap is: start neap-cast by its own name");
    char *name = strrchr(path, '/') + 1;
    if ((size_t)(name - path) + sizeof(program_name) > sizeof(path))
        return cli_error(CLI_EXIT_FAILED, "the path of neap is too long: start neap-cast by its own name");
    memcpy(name, program_name, sizeof(program_name));
    execv(path, argv);
    return cli_error(
        CLI_EXIT_FAILED,
        "cannot start %s: %s: build Neap with libuv1-dev, libhttp-parser-dev, libinih-dev and libexpat1-dev",
        path, strerror(errno));
}

const struct cli_verb cli_verb_cast = {"cast", "broadcast audio to many listeners", run};
