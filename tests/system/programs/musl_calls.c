/* A program for musl that calls what the preloaded library replaces, and forks. Prints "ok". */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *work(void *block) {
    free(block);
    return malloc(100000);
}

int main(void) {
    pthread_condattr_t attributes;
    pthread_t thread;
    void *block;
    struct rlimit limit;
    int status;
    pthread_condattr_init(&attributes);
    if (pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0)
        return 1;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 2;
    if (!dlopen(NULL, RTLD_NOW) || dlopen("/nonexistent.so", RTLD_NOW))
        return 3;
    if (pthread_create(&thread, NULL, work, malloc(100)) != 0 || pthread_join(thread, &block) != 0)
        return 4;
    if (prctl(PR_SET_NAME, "musl", 0, 0, 0) != 0)
        return 5;
    if (mlockall(0) != -1) /* no such request */
        return 6;
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7)
        return 8;
    return puts("ok") < 0;
}
