//! Words of the grammar that stand for values of the domain.

use clap::ValueEnum;
use waymark_domain::fix::{AccuracySource, Provider};
use waymark_domain::geo::Datum;
use waymark_domain::record::Role;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DatumArg {
    Wgs84,
    Gcj02,
    Bd09,
}

impl From<DatumArg> for Datum {
    fn from(arg: DatumArg) -> Self {
        match arg {
            DatumArg::Wgs84 => Self::Wgs84,
            DatumArg::Gcj02 => Self::Gcj02,
            DatumArg::Bd09 => Self::Bd09,
        }
    }
}

/// In what form a track is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrackFormat {
    Gpx,
    Geojson,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SourceArg {
    Android,
    Apple,
    Web,
    Stated,
}

impl From<SourceArg> for AccuracySource {
    fn from(arg: SourceArg) -> Self {
        match arg {
            SourceArg::Android => Self::Android,
            SourceArg::Apple => Self::Apple,
            SourceArg::Web => Self::Web,
            SourceArg::Stated => Self::Stated,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleArg {
    Rep,
    Manager,
    Admin,
}

impl From<RoleArg> for Role {
    fn from(arg: RoleArg) -> Self {
        match arg {
            RoleArg::Rep => Self::Rep,
            RoleArg::Manager => Self::Manager,
            RoleArg::Admin => Self::Admin,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ProviderArg {
    Gnss,
    Network,
    Fused,
    Manual,
    Unknown,
}

impl From<ProviderArg> for Provider {
    fn from(arg: ProviderArg) -> Self {
        match arg {
            ProviderArg::Gnss => Self::Gnss,
            ProviderArg::Network => Self::Network,
            ProviderArg::Fused => Self::Fused,
            ProviderArg::Manual => Self::Manual,
            ProviderArg::Unknown => Self::Unknown,
        }
    }
}
