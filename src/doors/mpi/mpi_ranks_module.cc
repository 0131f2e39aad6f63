// libmixnet_mpi.so: Ranks over MPI, loaded by sweep/mpi_ranks.cc. The one file that sees mpi.h.
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <memory>
#include <utility>

#include "sweep/ranks.h"

namespace {

constexpr int kTag = 1;

class MpiRanks final : public mixnet::Ranks {
 public:
  MpiRanks() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    // A rank that died (mpirun --enable-recovery) is the sweep's matter.
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void send(int to, std::string text) override {
    auto sending = std::make_unique<Sending>(std::move(text));
    // Not MPI_Send: two ranks that send each other a long message would wait forever.
    const int code = MPI_Isend(sending->text.data(), static_cast<int>(sending->text.size()),
                               MPI_CHAR, to, kTag, MPI_COMM_WORLD, &sending->request);
    if (code == MPI_SUCCESS) sending_.push_back(std::move(sending));
  }

  std::optional<mixnet::RankMessage> receive() override {
    // A launcher that is killed leaves its ranks running, with the results folder locked.
    if (::getppid() != launcher_) std::_Exit(1);
    move_on();
    int waits = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, &waits, &status) != MPI_SUCCESS ||
        waits == 0) {
      return std::nullopt;
    }
    int size = 0;
    MPI_Get_count(&status, MPI_CHAR, &size);
    mixnet::RankMessage message;
    message.from = status.MPI_SOURCE;
    message.text.resize(static_cast<std::size_t>(size));
    if (MPI_Recv(message.text.data(), size, MPI_CHAR, message.from, kTag, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE) != MPI_SUCCESS) {
      return std::nullopt;
    }
    return message;
  }

  void finish() override {
    while (!sending_.empty()) move_on();
    MPI_Finalize();
  }

  void leave() override {
    // MPI_Finalize would wait for the dead. Rank 0 still has its results to tell of.
    if (rank_ != 0) std::_Exit(0);
  }

 private:
  struct Sending {
    explicit Sending(std::string message) : text(std::move(message)) {}
    std::string text;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  /// Forgets what has been sent.
  void move_on() {
    std::erase_if(sending_, [](const auto& sending) {
      int done = 0;
      return MPI_Test(&sending->request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS || done != 0;
    });
  }

  const pid_t launcher_ = ::getppid();
  int rank_ = 0;
  int size_ = 1;
  std::deque<std::unique_ptr<Sending>> sending_;
};

}  // namespace

extern "C" mixnet::Ranks* mixnet_join_mpi() {
  int provided = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
      provided < MPI_THREAD_FUNNELED) {
    return nullptr;
  }
  return new MpiRanks;
}
