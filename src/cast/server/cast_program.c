/* cast/server/cast_program.c: the program neap-cast: its options. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>
#include <neap/version.h>

#include "cast/server/cast_status.h"
#include "cast/format/icecast_file.h"
#include "cast/server/server.h"
#include "os/memory.h"

enum { EXIT_DONE = 0, EXIT_WRONG_USAGE = 2, SETTINGS_MOST = 64 };

static const char usage[] = "Usage: neap cast [options]\n"
                            "       neap cast status [--watch SECONDS] [ADDR:PORT]\n"
                            "\n"
                            "Serves audio to many listeners. Sources connect with PUT or SOURCE, as to\n"
                            "Icecast, and listeners with any player. Without a file it listens on loopback\n"
                            "with a password that it makes and prints.\n"
                            "\n"
                            "  -c, --config FILE            read settings from FILE; SIGHUP reads it again\n"
                            "      --listen ADDR:PORT       listen there; may be given more than once\n"
                            "      --source-password-file F sources sign in with the first line of F\n"
                            "      --set KEY=VALUE          set any key of [server]\n"
                            "      --check FILE             say whether FILE is a valid file of settings\n"
                            "      --example                print a file with every setting, explained\n"
                            "      --from-icecast FILE      print settings made from Icecast's icecast.xml\n"
                            "      --version                print the version\n"
                            "  -h, --help                   print this\n";

struct options {
    struct cast_server *server;
    char *settings[SETTINGS_MOST];
    size_t count;
    char listen[1024];
    const char *check;
};

static int wrong(const char *what, const char *value) {
    fprintf(stderr, "neap-cast: %s%s: see neap-cast --help\n", what, value);
    return EXIT_WRONG_USAGE;
}

static bool setting_add(struct options *options, const char *key, const char *value) {
    char *made = NULL;
    if (options->count == SETTINGS_MOST || asprintf(&made, "%s=%s", key, value) < 0)
        return false;
    options->settings[options->count++] = made;
    return true;
}

static int problem_say(const char *problem) {
    fprintf(stderr, "neap-cast: %s\n", problem);
    return EXIT_FAILURE;
}

static int check(const char *file) {
    struct cast_settings_origin origin = {.file = file};
    struct cast_station *station;
    char problem[CAST_PROBLEM_ROOM];
    if (cast_station_load(&origin, &station, problem) != NEAP_OK)
        return problem_say(problem);
    cast_station_destroy(station);
    printf("%s: the settings are valid\n", file);
    return EXIT_DONE;
}

/* Prints settings made from a configuration of Icecast, and what came of each to standard error. */
static int from_icecast(const char *file) {
    struct cast_station_error error = {0};
    char *xml = malloc(CAST_ICECAST_BYTES_MOST + 1);
    FILE *in = xml ? fopen(file, "re") : NULL;
    size_t bytes = in ? fread(xml, 1, CAST_ICECAST_BYTES_MOST + 1, in) : 0;
    int failed = xml && (!in || ferror(in)) ? errno : 0;
    if (in)
        fclose(in);
    int result = !xml     ? NEAP_ERROR_MEMORY
                 : failed ? NEAP_ERROR_SYSTEM
                          : cast_icecast_convert(xml, bytes, file, stdout, stderr, &error);
    free(xml);
    if (result == NEAP_OK) {
        if (fflush(stdout) == 0 && !ferror(stdout))
            return EXIT_DONE;
        fprintf(stderr, "neap-cast: the settings cannot be written: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    char line[16] = "";
    if (result == NEAP_ERROR_FORMAT && error.line > 0)
        snprintf(line, sizeof(line), ":%u", error.line);
    fprintf(stderr, "neap-cast: %s%s: %s\n", file, line,
            result == NEAP_ERROR_SYSTEM   ? strerror(failed)
            : result == NEAP_ERROR_FORMAT ? error.text
                                          : neap_error_text(result));
    return EXIT_FAILURE;
}

/* Reads the options. -1: go on; else the exit code. */
static int options_read(struct options *options, int argc, char **argv) {
    enum { LISTEN = 256, PASSWORD_FILE, SET, CHECK, EXAMPLE, FROM_ICECAST, VERSION };
    static const struct option table[] = {{"config", required_argument, NULL, 'c'},
                                          {"listen", required_argument, NULL, LISTEN},
                                          {"source-password-file", required_argument, NULL, PASSWORD_FILE},
                                          {"set", required_argument, NULL, SET},
                                          {"check", required_argument, NULL, CHECK},
                                          {"example", no_argument, NULL, EXAMPLE},
                                          {"from-icecast", required_argument, NULL, FROM_ICECAST},
                                          {"version", no_argument, NULL, VERSION},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "c:h", table, NULL)) != -1;) {
        size_t used = strlen(options->listen);
        switch (option) {
        case 'c':
            options->server->origin.file = optarg;
            break;
        case LISTEN:
            snprintf(options->listen + used, sizeof(options->listen) - used, "%s%s", used > 0 ? "," : "",
                     optarg);
            break;
        case PASSWORD_FILE:
            if (!setting_add(options, "source-password-file", optarg))
                return wrong("too many options", "");
            break;
        case SET:
            if (!strchr(optarg, '='))
                return wrong("--set takes KEY=VALUE, not ", optarg);
            if (options->count == SETTINGS_MOST)
                return wrong("too many options", "");
            options->settings[options->count++] = strdup(optarg);
            break;
        case CHECK:
            return check(optarg);
        case EXAMPLE:
            cast_station_write_example(stdout);
            return EXIT_DONE;
        case FROM_ICECAST:
            return from_icecast(optarg);
        case VERSION:
            puts("neap-cast " NEAP_VERSION);
            return EXIT_DONE;
        case 'h':
            fputs(usage, stdout);
            return EXIT_DONE;
        default:
            return EXIT_WRONG_USAGE;
        }
    }
    return optind < argc ? wrong("there is an operand too many: ", argv[optind]) : -1;
}

/* `neap cast status`. */
static int status(int argc, char **argv) {
    enum { WATCH = 'w' };
    static const struct option table[] = {{"watch", required_argument, NULL, WATCH}, {NULL, 0, NULL, 0}};
    uint64_t watch_s = 0;
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        char *end = NULL;
        if (option != WATCH)
            return EXIT_WRONG_USAGE;
        watch_s = strtoul(optarg, &end, 10);
        if (*end != '\0' || watch_s == 0 || watch_s > 86400)
            return wrong("--watch takes seconds, 1 to 86400, not ", optarg);
    }
    if (argc - optind > 1)
        return wrong("there is an operand too many: ", argv[optind + 1]);
    return cast_status(optind < argc ? argv[optind] : "127.0.0.1:8000", watch_s);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "status") == 0)
        return status(argc - 1, argv + 1);
    static struct cast_server server;
    static struct options options = {.server = &server};
    struct cast_station *station;
    char problem[CAST_PROBLEM_ROOM];
    int code = options_read(&options, argc, argv);
    if (code >= 0)
        return code;
    if (*options.listen && !setting_add(&options, "listen", options.listen))
        return wrong("too many options", "");
    server.origin.settings = options.settings;
    server.origin.setting_count = options.count;
    /* Huge pages would make the small heap of a server big, and never small again. */
    neap_os_forgo_huge_pages();
    if (cast_station_load(&server.origin, &station, problem) != NEAP_OK)
        return problem_say(problem);
    if (*server.origin.made_password)
        fprintf(stderr, "neap-cast: the password of sources is %s (user source)\n",
                server.origin.made_password);
    if (cast_server_set_station(&server, station) != NEAP_OK)
        return problem_say("there is no memory for the settings");
    return cast_server_run(&server);
}
