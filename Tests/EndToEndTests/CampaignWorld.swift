import EdgeSystem
import EdgeTestSupport
import Glibc

/// Runs a script where nothing of other programs can be seen, so that what is left behind can be
/// compared exactly while other tests run: processes, mounts, System V IPC, network, /tmp,
/// /dev/shm and control groups of its own. One folder of the machine stays where it is.
struct CampaignWorld {
  /// The folder, which is also the working directory.
  let folder: TemporaryDirectory
  /// Names the control groups.
  let name = "world-\(Hex16.random())"

  /// Only root can make all of this. Where it cannot be had, the script sees the machine as it is.
  static var isPossible: Bool { geteuid() == 0 }

  /// - Parameter arguments: `$1` and so on.
  func run(_ script: String, _ arguments: [String], seconds: Int) throws -> ProgramResult {
    try folder.write("script.sh", text: script)
    let start =
      Self.isPossible
      ? ["-c", Self.outside, "outside", folder.path, name, Self.inside]
      : ["-c", "cd \"$1\" && shift 3 && exec bash script.sh \"$@\"", "here", folder.path, "", ""]
    let variables = ["PATH=\(environmentVariable("PATH") ?? "/usr/bin:/bin")", "HOME=/nonexistent"]
    return try runProgram("bash", start + arguments, environment: variables, seconds: seconds)
  }

  /// Joins fresh control groups, makes the namespaces, and removes the groups, which works only
  /// where they are empty.
  private static let outside = """
    set -euo pipefail
    folder=$1 name=$2 inside=$3
    shift 3
    groups=/sys/fs/cgroup
    made=()
    make() { mkdir "$1" && made=("$1" "${made[@]}"); }
    if [ -f $groups/cgroup.controllers ]; then
      echo '+memory +pids' >$groups/cgroup.subtree_control
      make $groups/$name
      make $groups/$name/leaf
      join=$groups/$name/leaf
    else
      for place in $groups/memory $groups/pids $groups/cpuacct; do make $place/$name; done
      join="${made[*]}"
    fi
    status=0
    (
      for place in $join; do echo $BASHPID >$place/cgroup.procs; done
      exec unshare --mount --pid --fork --kill-child --ipc --net --uts --mount-proc \\
        --propagation private bash -c "$inside" inside "$folder" "$@"
    ) || status=$?
    for place in "${made[@]}"; do
      for try in 1 2 3 4 5 6 7 8 9 10; do rmdir $place 2>/dev/null && break || sleep 0.1; done
      [ ! -d $place ] || { echo "left: $place" >&2; status=99; }
    done
    exit $status
    """

  /// The first process of the world: it also reaps what loses its parent.
  private static let inside = """
    set -euo pipefail
    folder=$1
    shift
    exec 9<"$folder"
    for place in /tmp /var/tmp /dev/shm; do mount -t tmpfs tmpfs $place; done
    mkdir -p "$folder"
    mount --no-canonicalize --bind /proc/self/fd/9 "$folder"
    exec 9<&-
    cd "$folder"
    bash script.sh "$@"
    """
}
