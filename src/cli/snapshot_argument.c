/* cli/snapshot_argument.c: takes the snapshot that the options ask for, or says in one line why it cannot. */
#include "cli/snapshot_argument.h"

#include "cli/apart.h"
#include "cli/pid_argument.h"
#include "cli/verb.h"
#include "os/limits.h"

enum { HEADROOM_SHARE = 3 }; /* this part of what a group has left is for others */

int cli_snapshot_check(const char *verb, const struct cli_snapshot_options *options, int operands) {
    if (options->pause + options->no_pause + options->low_memory + (options->core != NULL) > 1)
        return cli_error(CLI_EXIT_USAGE,
                         "%s takes one of --pause, --no-pause, --low-memory and --core: leave the others out",
                         verb);
    if (options->core && operands != 0)
        return cli_error(CLI_EXIT_USAGE, "%s takes a process or --core, not both: leave one out", verb);
    return CLI_GO_ON;
}

static int core_error(const char *core, int error, const struct neap_fault *fault) {
    switch (error) {
    case NEAP_ERROR_ABSENT:
        return cli_error(CLI_EXIT_FAILED, "no core file %s: name one that is there", core);
    case NEAP_ERROR_PERMISSION:
        return cli_error(CLI_EXIT_NOT_PERMITTED, "not permitted to read %s: `sudo neap ...`, or chmod it",
                         core);
    case NEAP_ERROR_FORMAT:
        return cli_error(CLI_EXIT_FAILED,
                         "cannot read %s: %s (at byte %llu): give a core file, like `gcore` writes", core,
                         fault->why, (unsigned long long)fault->address);
    default:
        return cli_error(CLI_EXIT_FAILED, "cannot read %s: %s: try again", core, neap_error_text(error));
    }
}

static int process_error(const char *verb, const struct neap_live_heap *target, int error) {
    int pid = (int)target->pid;
    switch (error) {
    case NEAP_ERROR_TIMEOUT:
        return cli_error(CLI_EXIT_FAILED,
                         "cannot stop process %d: one of its threads does not stop: use --no-pause", pid);
    case NEAP_ERROR_MEMORY:
        return cli_error(
            CLI_EXIT_FAILED,
            "too little memory to copy process %d: use --low-memory, or look from outside of its "
            "control group",
            pid);
    case NEAP_ERROR_ARGUMENT:
        return cli_error(CLI_EXIT_USAGE, "process %d is neap itself: name another", pid);
    default:
        return cli_pid_error(verb, target, error);
    }
}

int cli_snapshot_open(const char *verb, const struct cli_snapshot_options *options,
                      struct neap_live_heap *target, neap_snapshot_t **snapshot) {
    struct neap_fault fault = {0, "not a core file"};
    if (options->core) {
        cli_apart_only_read(); /* what is in the core names files that are to be opened */
        int error = neap_snapshot_open(options->core, snapshot, &fault);
        cli_apart_confine();
        return error == NEAP_OK ? CLI_GO_ON : core_error(options->core, error, &fault);
    }
    enum neap_snapshot_way way = options->low_memory ? NEAP_SNAPSHOT_HOLD
                                 : options->no_pause ? NEAP_SNAPSHOT_RUNNING
                                                     : NEAP_SNAPSHOT_PAUSE;
    neap_os_offer_to_be_ended();
    int error = target->process ? NEAP_OK : neap_os_process_open(target->pid, false, &target->process);
    if (error == NEAP_OK)
        error = neap_snapshot_take(target->process, way, snapshot);
    if (error != NEAP_OK)
        return process_error(verb, target, error);
    if (neap_snapshot_facts(*snapshot)->too_little_memory) {
        /* Allocation is to fail before a group is full. The kernel's own memory needs room too, and what is
         * mapped already and not touched yet. */
        uint64_t headroom = neap_os_headroom_bytes();
        neap_os_limit_growth(headroom - headroom / HEADROOM_SHARE);
    }
    cli_apart_confine();
    return CLI_GO_ON;
}
