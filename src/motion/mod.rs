//! Samples to repetitions: orientation, calibration, joint angles, segmentation, tempo, effort.
