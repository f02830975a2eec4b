/* A group of tests run as whoever runs them, and if that is root, again as an ordinary user. */
#ifndef NEAP_TEST_AS_USER_H
#define NEAP_TEST_AS_USER_H

#include <grp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ORDINARY_USER = 65534 };

/* The process stays dumpable, as it would be if it had been started by that user. */
static int user_become(void) {
    return setgroups(0, NULL) == 0 && setresgid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER) == 0 &&
                   setresuid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER) == 0 &&
                   prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0
               ? 0
               : -1;
}

static int run_as_root_and_user(int (*group)(void)) {
    int failed = group(), status = 0;
    if (geteuid() != 0)
        return failed;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (user_become() != 0) {
            puts("skipped as an ordinary user: this root may not become one");
            _exit(0);
        }
        puts("as an ordinary user:");
        failed = group();
        fflush(NULL);
        _exit(failed != 0);
    }
    waitpid(child, &status, 0);
    return failed || status != 0;
}

#endif
